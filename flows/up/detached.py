"""`python -m flows.up.detached [part=port ...]`: the supervisor of `switchyard up --detach`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from flows.up.command import supervise
from flows.up.state import UpState
from switchyard import log
from switchyard.errors import SwitchyardError
from switchyard.settings import get_settings

_log = log.get_logger("up")


def _settled(state: UpState) -> None:
    for one in state.parts:
        _log.info("%s: %s %s", one.name, one.state, one.url)


def main(arguments: Sequence[str]) -> int:
    """Supervise the home of the settings; returns the exit code."""
    settings = get_settings()
    log.configure(settings.log_level, settings.folders.logs, "up")
    ports: dict[str, int | None] = {name: int(port) for name, port in (one.split("=") for one in arguments)}
    try:
        supervise(settings.folders, ports, _settled)
    except SwitchyardError as error:
        _log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
