"""First steps of a process that learns, before any numeric library is imported there.

This module and what it imports must not import one: libraries read these variables once, when they start. One
thread each, because how a sum is split over threads changes its last bits, and sites share this machine.
"""

from __future__ import annotations

import logging
import os
import pkgutil
import sys
from multiprocessing.connection import Connection

from federation.spec import SiteSpec
from switchyard.children import lifeline_initializer

ENVIRONMENT = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
    # A confined process can make no semaphores; joblib would say so.
    "JOBLIB_MULTIPROCESSING": "0",
}


def prepare(provide: str = "") -> None:
    """Fix the threads of this process's libraries, tie its life to its parent's, then call `provide`.

    Args:
        provide: As in `SiteSpec`.
    """
    os.environ.update(ENVIRONMENT)
    lifeline_initializer()
    if provide:
        pkgutil.resolve_name(provide)()


def run_site(pipe: Connection, spec: SiteSpec) -> None:
    """Begin a site process."""
    prepare(spec.provide)
    # Keras imports it where it is installed, which takes seconds and looks for fonts; a site draws nothing.
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
    from federation.site import serve_site

    serve_site(pipe, spec)
    logging.shutdown()
    # TensorFlow takes seconds to take itself down, and nothing is left to do.
    os._exit(0)
