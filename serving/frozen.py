"""The service of a release: it answers from the home that lies beside its code, wherever that was unpacked.

`bentoml serve` finds the service here; `python -m serving.frozen` runs it under the lighter supervisor.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HOME, OWN_SUBSTATIONS = "home", "own_substations"


def settle(root: Path) -> None:
    """Point the settings at what lies below `root`; what the environment says already is left alone."""
    for variable, folder in (
        ("SWITCHYARD_HOME", root / HOME),
        ("SWITCHYARD_SUBSTATIONS_DIR", root / OWN_SUBSTATIONS),
    ):
        if folder.is_dir():
            os.environ.setdefault(variable, str(folder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped, as `python -m serving.run` does."""
    from serving.run import main as run

    return run(arguments)


settle(Path(__file__).resolve().parents[1])


def __getattr__(name: str) -> Any:
    """The service, imported only when BentoML asks: the supervisor stays light."""
    if name == "SwitchyardService":
        from serving.service import SwitchyardService

        return SwitchyardService
    raise AttributeError(name)


if __name__ == "__main__":
    sys.exit(main())
