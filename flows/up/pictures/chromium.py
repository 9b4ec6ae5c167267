"""Chromium without a window, steered over its DevTools protocol: open a page, wait until it is drawn, look.

The browser reaches this machine's loopback addresses and nothing else.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from flows.loopback import HOST
from switchyard.errors import SwitchyardError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-quic",
    "--disable-sync",
    "--metrics-recording-only",
    # A browser that only looks at our own pages needs no sandbox, which containers often forbid.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {HOST}",
    "--lang=en-GB",
    "--remote-debugging-port=0",
)
START_S = 60.0
QUIET_S = 1.5
LOOK_EVERY_S = 0.25
CALL_S = 60.0
LARGEST_MESSAGE = 64 * 2**20
# The innermost element that reads so (or is labelled so), where a click at its centre would land.
FIND = """(said, nth) => {
  const told = e => [e.innerText, e.getAttribute('aria-label'), e.placeholder];
  const reads = e => told(e).some(t => t && t.trim() === said);
  const found = [...document.querySelectorAll('body *')].filter(e => reads(e) && e.getClientRects().length
    && ![...e.children].some(reads));
  if (found.length <= nth) return null;
  found[nth].scrollIntoView({block: 'nearest'});
  const box = found[nth].getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""


class BrowserError(SwitchyardError):
    """There is no browser, it ended, or a page was not drawn in time."""


def find_chromium() -> str:
    """Path of the browser.

    Raises:
        BrowserError: None of the usual names is on the PATH.
    """
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise BrowserError(
        f"no Chromium: none of {', '.join(NAMES)} is on the PATH",
        "install it, for instance: apt-get install chromium, or brew install --cask chromium",
    )


class Chromium:
    """A running browser; a context manager."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._number = 0

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            BrowserError: There is none, or it does not start.
        """
        path = find_chromium()
        with ExitStack() as stack:
            made = tempfile.TemporaryDirectory(prefix="pictures-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(made))
            process = subprocess.Popen(  # noqa: S603 - found on the PATH by its usual name
                [path, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(_end, process)
            self._socket = stack.enter_context(_connect(_address(process, folder)))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def page(self, *, width: int, height: int, storage: Mapping[str, str] | None = None) -> Page:
        """A new empty page.

        Args:
            width: In CSS pixels.
            height: In CSS pixels.
            storage: What the pages find in their local storage: choices that a person made earlier.
        """
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session, target)
        page.call("Page.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        lines = [
            f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)});"
            for key, value in (storage or {}).items()
        ]
        source = "try {" + "".join(lines) + "} catch (e) { /* about:blank has no storage */ }"
        page.call("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        return page

    def call(self, method: str, params: Mapping[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        """Call a method of the protocol and return its result.

        Raises:
            BrowserError: It was refused, or the browser ended.
        """
        from websockets.exceptions import ConnectionClosed

        self._number += 1
        message = {"id": self._number, "method": method, "params": dict(params or {})}
        if session:
            message["sessionId"] = session
        try:
            self._socket.send(json.dumps(message))
            while True:
                answer: dict[str, Any] = json.loads(self._socket.recv(timeout=CALL_S))
                if answer.get("id") == self._number:
                    break
        except (ConnectionClosed, TimeoutError) as error:
            raise BrowserError(f"the browser does not answer {method}: {error}") from error
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])


class Page:
    """One page of the browser."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a method of the protocol on this page."""
        return self._browser.call(method, params, self._session)

    def close(self) -> None:
        """Close the page."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def open(self, url: str) -> None:
        """Go to an address; `wait_drawn` waits for its content."""
        self.call("Page.navigate", {"url": url})

    def run(self, expression: str) -> Any:
        """Value of a JavaScript expression.

        Raises:
            BrowserError: It threw.
        """
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression[:80]}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    def text(self) -> str:
        """What the page reads, without what scrolling or clicking would bring."""
        return str(self.run("document.body ? document.body.innerText : ''") or "")

    def wait_drawn(self, texts: Iterable[str], *, element: str = "body", timeout_s: float) -> None:
        """Wait until the page reads all of `texts`, holds `element` (a CSS selector) and changes no more.

        Raises:
            BrowserError: It did not within `timeout_s`; the message says what is missing.
        """
        wanted = tuple(texts)
        seen, since, missing = "", time.monotonic(), list(wanted)

        def drawn() -> bool:
            nonlocal seen, since, missing
            read = self.text()
            missing = [one for one in wanted if one.casefold() not in read.casefold()]
            there = self.run(f"document.querySelectorAll({json.dumps(element)}).length")
            state = f"{read}{there}{self.run('document.querySelectorAll(`*`).length')}"
            if state != seen:
                seen, since = state, time.monotonic()
            rests = time.monotonic() - since >= QUIET_S
            return bool(read) and not missing and bool(there) and rests

        if not _wait(drawn, timeout_s):
            lacks = ", ".join(repr(one) for one in missing) or f"an element {element}, or rest"
            address = self.run("location.href")
            raise BrowserError(f"{address} was not drawn after {timeout_s:g} s: it lacks {lacks}")

    def click(self, said: str, nth: int = 0, *, timeout_s: float = 20.0) -> None:
        """Click the element that reads `said` (the `nth` of them), as a person would.

        Raises:
            BrowserError: None appeared in time.
        """
        place: list[float] | None = None

        def found() -> bool:
            nonlocal place
            place = self.run(f"({FIND})({json.dumps(said)}, {nth})")
            return place is not None

        if not _wait(found, timeout_s) or place is None:
            raise BrowserError(f"{self.run('location.href')}: nothing reads {said!r}")
        self.click_at(*place)

    def click_at(self, x: float, y: float) -> None:
        """Click at a place, in CSS pixels."""
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", {"type": kind, **at})

    def picture(self) -> bytes:
        """What is seen now, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"])


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Address of the protocol; the browser writes it into its folder when it listens."""
    path = folder / "DevToolsActivePort"
    lines: list[str] = []

    def written() -> bool:
        nonlocal lines
        if process.poll() is not None:
            raise BrowserError(f"the browser ended with exit code {process.returncode}")
        lines = path.read_text().splitlines() if path.exists() else []
        return len(lines) == 2

    if not _wait(written, START_S):
        raise BrowserError(f"the browser did not start within {START_S:g} s")
    return f"ws://{HOST}:{lines[0]}{lines[1]}"


def _connect(address: str) -> ClientConnection:
    from websockets.sync.client import connect

    return connect(address, max_size=LARGEST_MESSAGE, proxy=None, open_timeout=START_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
