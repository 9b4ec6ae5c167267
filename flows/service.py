"""The service as a child of a run: started on a free port, asked, stopped."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.loopback import HOST, bypass_proxies
from switchyard.children import ChildProcess, free_port, start_child
from switchyard.errors import SwitchyardError
from switchyard.home import Home

READY_S = 60.0
ANSWER_S = 30.0


class AnswerError(SwitchyardError):
    """The endpoint refused a request."""


class Service:
    """A running service.

    Attributes:
        url: Its address, without a path.
        child: Its supervisor process.
    """

    def __init__(self, url: str, child: ChildProcess) -> None:
        self.url = url
        self.child = child

    def infer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Post one item to `/v1/infer` and return the answer.

        Raises:
            AnswerError: The endpoint answered with a problem document; the message holds it.
        """
        posted = urllib.request.Request(  # noqa: S310 - the address is our own
            f"{self.url}/v1/infer",
            data=json.dumps(request, allow_nan=False).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(posted, timeout=ANSWER_S) as answer:  # noqa: S310 - as above
                decoded: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                problem = error.read().decode(errors="replace")
            raise AnswerError(
                f"{self.url}/v1/infer answered {error.code} about {request['substation']}, "
                f"{request['point']}: {problem}",
                f"see {self.child.log_path}",
            ) from error
        return decoded

    def is_ready(self) -> bool:
        """Whether `/readyz` says that the current snapshot is loaded and proven."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - as above
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running_service(home: Home) -> Iterator[Service]:
    """Start the service on the home's current snapshot, wait until it is ready, stop it at the end.

    Raises:
        ChildError: It ended or did not become ready; the message holds the end of its log.
    """
    bypass_proxies()
    port = free_port()
    arguments = ["-m", "serving.run", "--home", str(home.root), "--host", HOST, "--port", str(port)]
    # A supervisor that is told to stop lets its worker drain first.
    child = start_child(arguments, log_path=home.logs / "serve-child.log", name="the service", grace_s=10.0)
    with child:
        service = Service(f"http://{HOST}:{port}", child)
        child.wait_ready(service.is_ready, timeout_s=READY_S)
        yield service
