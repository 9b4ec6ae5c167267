"""The service with everything but the models: a body is decoded and checked, and the answer is a constant.

What it answers in a second is what the service could answer at most; `benchmarks.serve` measures against it.
"""

from __future__ import annotations

import sys

from serving.engine import Engine
from serving.exchange import App
from serving.intake import infer, take_in
from serving.run import main
from serving.service import SwitchyardService
from serving.visit import Visit

_constant: dict[int, bytes] = {}


def null_infer(engine: Engine, body: bytes, request_id: str, visit: Visit) -> bytes:
    """Decode and check a body; answer with what was answered to the first body of as many items."""
    intake = take_in(engine, body, visit)
    if intake.count not in _constant:
        _constant[intake.count] = infer(engine, body, request_id)
    return _constant[intake.count]


def null_app() -> App:
    """The application of one worker."""
    return SwitchyardService.to_asgi(compute=null_infer)


if __name__ == "__main__":
    sys.exit(main(app="benchmarks.null_server:null_app"))
