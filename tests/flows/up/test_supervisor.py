"""The supervisor with small real processes: start, restart, giving up, stops, kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.up import command
from flows.up.state import PartState, UpState, held, read_state
from switchyard.children import free_port
from switchyard.errors import SwitchyardError
from switchyard.home import Home

# A page with a grandchild in a session of its own; ignores SIGTERM where it is told to.
PAGE = """
import http.server, signal, subprocess, sys
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"here")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
STARTER = """
import json, sys
import msgspec
from pathlib import Path
from flows.up.health import pages
from flows.up.parts import Part
from flows.up.supervisor import Pace, Supervisor
from switchyard import log
from switchyard.home import Home
home = Home(Path(sys.argv[1]))
log.configure("INFO")
parts = []
for one in json.loads(sys.argv[2]):
    url = f"http://127.0.0.1:{one['port']}"
    parts.append(
        Part(one["name"], url, ("-c", *one["words"]), pages(url) if one["port"] else None,
             after=one.get("after"), grace_s=0.5, done="did it")
    )
pace = Pace(tick_s=0.05, check_s=0.2, ready_s=20.0, silent=3, attempts=2, pause_s=0.05)
last = Supervisor(home, parts, pace=pace,
                  on_settled=lambda state: print(json.dumps(msgspec.to_builtins(state)), flush=True)).run()
print(json.dumps(msgspec.to_builtins(last)), flush=True)
"""


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def page(name: str, *words: str) -> dict[str, Any]:
    port = free_port()
    return {"name": name, "port": port, "words": [PAGE, str(port), *words]}


class Up:
    """A supervisor in a process of its own."""

    def __init__(self, home: Home, parts: list[dict[str, Any]]) -> None:
        self.home = home
        with (home.root.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", STARTER, str(home.root), json.dumps(parts)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def said(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log()
        return dict(json.loads(line))

    def log(self) -> str:
        return (self.home.root.parent / "log").read_text()

    def state(self, name: str) -> PartState:
        state = read_state(self.home)
        assert state is not None, self.log()
        return next(one for one in state.parts if one.name == name)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def up(*parts: dict[str, Any]) -> Up:
        started.append(Up(home, list(parts)))
        return started[-1]

    yield up
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


def gone(family: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(family, timeout=10)
    return not alive


def command_of(guard: PartState) -> psutil.Process:
    """The part's own process below its guard."""
    assert guard.pid is not None
    return next(one for one in psutil.Process(guard.pid).children() if PAGE in one.cmdline())


def test_run__parts_answer_and_one_dies__told_restarted_and_stopped_with_nothing_left(
    start: Callable[..., Up], home: Home
) -> None:
    once = {"name": "once", "port": 0, "words": ["print('hello')"], "after": "first"}
    up = start(page("first"), page("second", "deaf"), once)
    settled = up.said()
    assert settled["settled"]
    assert [(one["name"], one["state"]) for one in settled["parts"]] == [
        ("first", "answers"),
        ("second", "answers"),
        ("once", "done"),
    ]
    assert settled == json.loads((home.root / "up.json").read_text())
    assert settled["pid"] == up.process.pid

    command_of(up.state("first")).kill()
    assert wait_for(lambda: up.state("first").restarts == 1 and up.state("first").state == "answers"), (
        up.log()
    )
    assert "first: ended with exit code 137; restart 1 of 2" in up.log()
    assert up.state("second").restarts == 0

    family = up.family()
    assert len(family) >= 6
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(20) == 0, up.log()
    assert gone(family)
    assert not held(home)
    assert read_state(home) is None
    assert not (home.root / "up.json").exists()
    assert up.log().splitlines()[-1].endswith("stopped: nothing is left running")


def test_run__killed__nothing_left_and_the_home_is_free(start: Callable[..., Up], home: Home) -> None:
    up = start(page("first"), page("second", "deaf"))
    up.said()
    family = up.family()
    os.killpg(up.process.pid, signal.SIGKILL)
    up.process.wait()
    assert gone(family)
    assert (home.root / "up.json").exists()
    assert read_state(home) is None
    assert command.down(home) is None


@pytest.mark.slow
def test_run__part_hangs__ended_and_started_again(start: Callable[..., Up]) -> None:
    up = start(page("first"))
    up.said()
    hanging = command_of(up.state("first"))
    hanging.suspend()
    # A look at a page that is accepted and never answered takes its whole patience.
    assert wait_for(lambda: up.state("first").restarts == 1, 30), up.log()
    assert wait_for(lambda: up.state("first").state == "answers"), up.log()
    assert gone([hanging])
    assert "did not answer 3 times in a row" in up.log()


def test_run__part_dies_again_and_again__given_up_with_its_last_words_and_others_live(
    start: Callable[..., Up],
) -> None:
    broken = {"name": "broken", "port": free_port(), "words": ["import sys; sys.exit('the disk is full')"]}
    needs = {**page("needs"), "after": "broken"}
    up = start(page("first"), broken, needs)
    parts = {one["name"]: one for one in up.said()["parts"]}
    assert parts["first"]["state"] == "answers"
    assert parts["broken"]["state"] == "failed"
    assert parts["broken"]["restarts"] == 2
    assert "2 restarts were in vain: the disk is full; see " in parts["broken"]["note"]
    assert (parts["needs"]["state"], parts["needs"]["note"]) == ("failed", "cannot be without broken")


def test_run__every_part_given_up__ends(start: Callable[..., Up]) -> None:
    up = start({"name": "broken", "port": free_port(), "words": ["raise SystemExit(3)"]})
    assert up.said()["settled"]
    assert up.said()["parts"][0]["state"] == "failed"
    assert up.process.wait(20) == 0


def test_down__a_living_supervisor__ended_with_all_its_parts(start: Callable[..., Up], home: Home) -> None:
    up = start(page("first"))
    up.said()
    family = up.family()
    told = command.down(home)
    assert isinstance(told, UpState)
    assert told.parts[0].name == "first"
    assert up.process.wait(20) == 0
    assert gone(family)


def test_supervise__home_is_up_already__refused(start: Callable[..., Up], home: Home) -> None:
    up = start(page("first"))
    up.said()
    with pytest.raises(SwitchyardError, match="is up already"):
        command.supervise(home, {}, lambda _: None)
    assert "is up already" not in up.log()
