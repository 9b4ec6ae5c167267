"""The service without joint answering: every request is computed by itself, however many are there."""

from __future__ import annotations

import sys

from serving.engine import Engine
from serving.exchange import App
from serving.intake import infer
from serving.run import SWITCH_S, main
from serving.service import SwitchyardService
from serving.visit import Visit


def alone_infer(engine: Engine, body: bytes, request_id: str, visit: Visit) -> bytes:
    """What the service answers; only the service's own function is called for several requests at once."""
    return infer(engine, body, request_id, visit)


def alone_app() -> App:
    """The application of one worker."""
    sys.setswitchinterval(SWITCH_S)
    return SwitchyardService.to_asgi(compute=alone_infer)


if __name__ == "__main__":
    sys.exit(main(app="benchmarks.alone_server:alone_app"))
