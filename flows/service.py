"""The service as a child of a run: started on a free port, asked, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flows.loopback import HOST, bypass_proxies
from serving.keys import temporary_key
from switchyard.children import ChildProcess, free_port, start_child
from switchyard.client import Client
from switchyard.home import Home

READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service that has been started.

    Attributes:
        child: Its supervisor process.
        client: A client of it.
    """

    child: ChildProcess
    client: Client

    def wait_ready(self) -> Client:
        """Wait until the current snapshot is loaded and proven; returns the client.

        Raises:
            ChildError: It ended or did not become ready; the message holds the end of its log.
        """
        self.child.wait_ready(self.client.ready, timeout_s=READY_S)
        return self.client


@contextmanager
def running_service(home: Home) -> Iterator[Service]:
    """Start the service on the home's current snapshot, do not wait for it, stop it at the end."""
    bypass_proxies()
    port = free_port()
    arguments = ["-m", "serving.run", "--home", str(home.root), "--host", HOST, "--port", str(port)]
    log_path = home.logs / "serve-child.log"
    # A supervisor that is told to stop lets its worker drain first.
    with (
        temporary_key(home, "run") as key,
        start_child(arguments, log_path=log_path, name="the service", grace_s=10.0) as child,
        Client(f"http://{HOST}:{port}", key=key) as client,
    ):
        yield Service(child, client)
