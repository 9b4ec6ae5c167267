"""Serving under uvicorn's supervisor: small, and a killed worker is replaced.

The supervisor imports neither numpy nor BentoML; its workers import the application by name.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.errors import ConfigurationError, SwitchyardError
from switchyard.home import Home
from switchyard.telemetry import switch_off

if TYPE_CHECKING:
    from serving.exchange import App

HOME_VARIABLE = "SWITCHYARD_HOME"
MULTIPROC_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DEFAULT_PORT = 3000
APP = "serving.run:create_app"
KEEP_ALIVE_S = 75
# A worker that starts on a busy machine needs some seconds before it answers its supervisor's first ping.
HEALTHCHECK_S = 20
STOP_S = 25


def create_app() -> App:
    """The application of one worker, made in the worker's own process."""
    from serving.service import SwitchyardService

    return SwitchyardService.to_asgi()


def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    workers: int = 1,
    home: Path | None = None,
    *,
    app: str = APP,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        host: Address to listen on; the default is reachable from this machine only.
        port: Port to listen on.
        workers: Worker processes.
        home: Home whose current snapshot is served; None takes the setting.
        app: Factory of the application, as `module:function`.

    Raises:
        ConfigurationError: The address cannot be listened on, or `workers` is not positive.
    """
    if workers < 1:
        raise ConfigurationError(f"workers = {workers} is not positive", "serve with at least one")
    from uvicorn import Config
    from uvicorn.supervisors import Multiprocess

    switch_off()
    if home is not None:
        os.environ[HOME_VARIABLE] = str(Home(home).root)
    listening = _listen(host, port)
    figures = tempfile.mkdtemp(prefix="switchyard-metrics-") if workers > 1 else None
    if figures is not None:
        os.environ[MULTIPROC_VARIABLE] = figures
    config = Config(
        app,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        timeout_worker_healthcheck=HEALTHCHECK_S,
    )
    try:
        Multiprocess(config, sockets=[listening]).run()
    finally:
        listening.close()
        if figures is not None:
            shutil.rmtree(figures, ignore_errors=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            "choose another port, or stop what uses it",
        ) from error
    listening.set_inheritable(True)
    return listening


def main(arguments: Sequence[str] | None = None, app: str = APP) -> int:
    """`python -m serving.run`: the same as `switchyard serve`, without the command line's other commands.

    Returns:
        Exit code: 0 after a stop, 1 after an error that is told on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m serving.run", description="Serve the current snapshot.")
    parser.add_argument("--home", type=Path, help="folder with everything that Switchyard has written")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args(arguments)
    try:
        serve(given.host, given.port, given.workers, given.home, app=app)
    except SwitchyardError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
