"""Serving under uvicorn's supervisor: small, and a killed worker is replaced.

The supervisor imports neither numpy nor BentoML; its workers import the application by name.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from serving.keys import issued
from serving.tls import Tls, tls_of
from switchyard.errors import ConfigurationError, SwitchyardError
from switchyard.home import Home
from switchyard.telemetry import switch_off

if TYPE_CHECKING:
    from serving.exchange import App

HOME_VARIABLE = "SWITCHYARD_HOME"
CLIENT_CA_VARIABLE = "SWITCHYARD_CLIENT_CA"
INSECURE_VARIABLE = "SWITCHYARD_INSECURE"
SECURITY_VARIABLES = ("SWITCHYARD_TLS_CERT", "SWITCHYARD_TLS_KEY", CLIENT_CA_VARIABLE, INSECURE_VARIABLE)
MULTIPROC_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DEFAULT_PORT = 3000
APP = "serving.run:create_app"
KEEP_ALIVE_S = 75
# A worker that starts on a busy machine needs some seconds before it answers its supervisor's first ping.
HEALTHCHECK_S = 20
STOP_S = 25
SWITCH_S = 1e-3
"""How long the event loop may wait for a thread that computes; Python's own 5 ms would be felt."""

WORKER_ENVIRONMENT = {
    # One item's matrices are small: a second thread costs more than it saves, and others need the core.
    "OPENBLAS_NUM_THREADS": "1",
    # The GNU allocator keeps what a large batch took; so it goes back, at the price of some page faults.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
"""Settings that libraries read when a worker starts; what is set already stays."""


def create_app() -> App:
    """The application of one worker, made in the worker's own process."""
    from serving.service import SwitchyardService

    sys.setswitchinterval(SWITCH_S)
    return SwitchyardService.to_asgi()


def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    workers: int = 1,
    home: Path | None = None,
    *,
    tls: Tls | None = None,
    insecure: bool = False,
    app: str = APP,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        host: Address to listen on; the default is reachable from this machine only.
        port: Port to listen on.
        workers: Worker processes.
        home: Home whose current snapshot is served; None takes the setting.
        tls: Certificates; None serves plain HTTP.
        insecure: Whether other machines are answered even where neither keys nor client certificates are
            asked for.
        app: Factory of the application, as `module:function`.

    Raises:
        ConfigurationError: The address cannot be listened on, `workers` is not positive, the keys are lost or
            damaged, or anybody could ask.
    """
    if workers < 1:
        raise ConfigurationError(f"workers = {workers} is not positive", "serve with at least one")
    from uvicorn import Config
    from uvicorn.supervisors import Multiprocess

    switch_off()
    served = Home(home) if home is not None else _home_of_settings()
    _check_closed(host, served, tls, insecure=insecure)
    for name, value in WORKER_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ[HOME_VARIABLE] = str(served.root)
    os.environ[INSECURE_VARIABLE] = str(insecure)
    if tls is not None and tls.client_ca is not None:
        os.environ[CLIENT_CA_VARIABLE] = str(tls.client_ca)
    else:
        os.environ.pop(CLIENT_CA_VARIABLE, None)
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
        **(tls.options() if tls is not None else {}),
    )
    try:
        Multiprocess(config, sockets=[listening]).run()
    finally:
        listening.close()
        if figures is not None:
            shutil.rmtree(figures, ignore_errors=True)


def _home_of_settings() -> Home:
    from switchyard.settings import get_settings

    return get_settings().folders


def _security(given: argparse.Namespace) -> tuple[Tls | None, bool]:
    """TLS and openness by the arguments, else by the settings.

    Settings are read where one of them is in the environment: their library would be half of the supervisor.

    Raises:
        ConfigurationError: A file is missing or cannot be loaded.
    """
    certificate, key, client_ca = given.tls_cert, given.tls_key, given.client_ca
    insecure = given.insecure
    if any(name in os.environ for name in SECURITY_VARIABLES):
        from switchyard.settings import get_settings

        settings = get_settings()
        certificate, key = certificate or settings.tls_cert, key or settings.tls_key
        client_ca, insecure = client_ca or settings.client_ca, insecure or settings.insecure
    return tls_of(certificate, key, client_ca), insecure


def _check_closed(host: str, home: Home, tls: Tls | None, *, insecure: bool) -> None:
    """Refuse to listen to other machines where anybody could ask.

    Raises:
        ConfigurationError: There are neither keys nor client certificates; or the keys are lost or damaged.
    """
    by_key = issued(home)
    by_certificate = tls is not None and tls.client_ca is not None
    if by_key or by_certificate or insecure or _loopback(host):
        return
    raise ConfigurationError(
        f"{host} can be reached from other machines, and anybody could ask",
        "make a key with `switchyard keys add NAME --substations a,b`, or ask for client certificates with "
        "--tls-cert, --tls-key and --client-ca; --insecure serves anybody",
    )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    parser.add_argument("--tls-cert", type=Path, help="the service's certificate with its chain, PEM")
    parser.add_argument("--tls-key", type=Path, help="its private key, PEM")
    parser.add_argument("--client-ca", type=Path, help="ask clients for certificates of this authority, PEM")
    parser.add_argument(
        "--insecure", action="store_true", help="serve other machines without keys and client certificates"
    )
    given = parser.parse_args(arguments)
    try:
        tls, insecure = _security(given)
        serve(given.host, given.port, given.workers, given.home, tls=tls, insecure=insecure, app=app)
    except SwitchyardError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
