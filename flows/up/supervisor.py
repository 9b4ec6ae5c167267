"""Starting the parts, watching them, starting again what died, and ending them all."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType

from flows.loopback import bypass_proxies
from flows.up.health import Health
from flows.up.parts import Part
from flows.up.state import SETTLED, PartState, State, UpState, hold, write_state
from switchyard.children import ChildProcess, start_child
from switchyard.home import Home
from switchyard.log import get_logger
from switchyard.telemetry import switch_off

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_log = get_logger("up")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the supervisor is, in seconds.

    Attributes:
        tick_s: Between two rounds.
        check_s: Between two looks at a part that answers.
        ready_s: Until a part that has been started must answer.
        waits_s: After which a part that waits for something is not waited for.
        silent: Looks in a row without an answer after which a part that answered is started again.
        attempts: How often a part is started again within `window_s` before it is given up.
        window_s: The span of which restarts are counted.
        pause_s: Before the first restart; it doubles with each.
    """

    tick_s: float = 0.25
    check_s: float = 15.0
    ready_s: float = 180.0
    waits_s: float = 10.0
    silent: int = 4
    attempts: int = 5
    window_s: float = 600.0
    pause_s: float = 1.0


@dataclass
class _Watched:
    """A part and what is known of it."""

    part: Part
    state: State = "starting"
    note: str = ""
    child: ChildProcess | None = None
    restarts: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    look_at: float = 0.0
    waits_since: float | None = None
    misses: int = 0
    again: deque[float] = field(default_factory=deque)

    def told(self) -> PartState:
        pid = None if self.child is None else self.child.pid
        return PartState(self.part.name, self.part.url, self.state, self.note, self.restarts, pid)


class Supervisor:
    """Runs the parts of a home until it is told to stop.

    Every part runs under a guard (`switchyard.children`), which ends it with all that it started when the
    supervisor is gone, however that ended.

    Args:
        home: The installation's folders.
        parts: What is run.
        pace: How patient it is.
        others: Parts that somebody else runs; only shown.
        on_settled: Called once, when every part has answered or has been given up.
    """

    def __init__(
        self,
        home: Home,
        parts: Sequence[Part],
        *,
        pace: Pace | None = None,
        others: Sequence[PartState] = (),
        on_settled: Callable[[UpState], None] | None = None,
    ) -> None:
        self._home = home
        self._pace = pace or Pace()
        self._watched = {part.name: _Watched(part) for part in parts}
        self._others = tuple(others)
        self._on_settled = on_settled
        self._settled = False
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._written: UpState | None = None
        self._stop = threading.Event()

    def run(self) -> UpState:
        """Hold the home, run the parts until SIGINT, SIGTERM or SIGHUP, end them; returns the last state.

        Also ends when every part has been given up.

        Raises:
            AlreadyUpError: Another supervisor holds the home.
        """
        switch_off()
        bypass_proxies()
        with self._signals(), hold(self._home):
            try:
                while not self._stop.is_set():
                    self._round()
                    if all(one.state == "failed" for one in self._watched.values()):
                        break
                    self._stop.wait(self._pace.tick_s)
                return self._tell()
            finally:
                self._end_all()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        # A handler does no more than note the wish: a stop in the middle of a start would lose the child.
        previous = {number: signal.signal(number, self._ask_stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _ask_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _round(self) -> None:
        for one in self._watched.values():
            if self._stop.is_set():
                return
            if one.state not in {"failed", "done"}:
                self._look_after(one)
                self._write()
        if not self._settled and all(self._has_settled(one) for one in self._watched.values()):
            self._settled = True
            self._write()
            if self._on_settled is not None:
                self._on_settled(self._tell())

    def _look_after(self, one: _Watched) -> None:
        now = time.monotonic()
        base = None if one.part.after is None else self._watched[one.part.after]
        if base is not None and base.state == "failed":
            self._give_up(one, f"cannot be without {base.part.name}")
            return
        if one.child is None:
            if now >= one.start_at:
                self._start(one)
            return
        if base is not None and base.state != "answers":
            # What it waits for is not counted against it.
            one.started_at = now
        code = one.child.poll()
        if code is not None:
            self._ended(one, code)
        elif one.part.check is not None and now >= one.look_at:
            self._judge(one, one.part.check())
        elif one.part.check is None and now > one.started_at + self._pace.ready_s:
            self._begin_again(one, f"was not done after {self._pace.ready_s:g} s")

    def _start(self, one: _Watched) -> None:
        part = one.part
        _log.info("%s: starting", part.name)
        one.child = start_child(
            part.arguments,
            log_path=self._home.logs / f"up-{part.name}.log",
            env=part.env,
            name=part.name,
            grace_s=part.grace_s,
        )
        one.started_at = time.monotonic()
        one.look_at = one.started_at
        one.state, one.note, one.misses, one.waits_since = "starting", "", 0, None

    def _judge(self, one: _Watched, health: Health) -> None:
        now = time.monotonic()
        if health.state == "silent":
            if one.state == "starting":
                one.look_at = now + min(0.5, self._pace.check_s)
                if now > one.started_at + self._pace.ready_s:
                    self._begin_again(one, f"did not answer within {self._pace.ready_s:g} s ({health.note})")
                return
            one.look_at = now + self._pace.check_s
            one.misses += 1
            if one.misses >= self._pace.silent:
                self._begin_again(one, f"did not answer {one.misses} times in a row ({health.note})")
            return
        one.misses = 0
        one.look_at = now + (
            self._pace.check_s if health.state == "answers" else min(1.0, self._pace.check_s)
        )
        one.waits_since = None if health.state == "answers" else one.waits_since or now
        if (one.state, one.note) != (health.state, health.note):
            said = "answers at " + one.part.url if health.state == "answers" else "runs, but " + health.note
            _log.info("%s: %s", one.part.name, said)
        one.state, one.note = health.state, health.note

    def _ended(self, one: _Watched, code: int) -> None:
        if one.part.check is None and code == 0:
            one.child, one.state, one.note = None, "done", one.part.done
            _log.info("%s: %s", one.part.name, one.part.done)
            return
        self._begin_again(one, f"ended with exit code {code}")

    def _begin_again(self, one: _Watched, why: str) -> None:
        """End what is left of a part and plan its next start, unless it has had too many."""
        child, one.child = one.child, None
        one.waits_since = None
        last = ""
        if child is not None:
            child.stop()
            last = child.log_tail(1)
        now = time.monotonic()
        while one.again and one.again[0] < now - self._pace.window_s:
            one.again.popleft()
        log = self._home.logs / f"up-{one.part.name}.log"
        if len(one.again) >= self._pace.attempts:
            self._give_up(
                one, f"{why}, {len(one.again)} restarts were in vain: {last or 'its log is empty'}; see {log}"
            )
            return
        pause = self._pace.pause_s * 2 ** len(one.again)
        one.again.append(now)
        one.restarts += 1
        one.start_at = now + pause
        one.state = "restarting"
        one.note = f"{why}; restart {len(one.again)} of {self._pace.attempts}"
        _log.warning("%s: %s in %g s; see %s", one.part.name, one.note, pause, log)

    def _give_up(self, one: _Watched, why: str) -> None:
        child, one.child = one.child, None
        if child is not None:
            child.stop()
        one.state, one.note, one.waits_since = "failed", why, None
        _log.error("%s: given up: %s", one.part.name, why)

    def _has_settled(self, one: _Watched) -> bool:
        if one.waits_since is not None:
            return time.monotonic() > one.waits_since + self._pace.waits_s
        return one.state in SETTLED

    def _tell(self) -> UpState:
        told = tuple(one.told() for one in self._watched.values())
        return UpState(os.getpid(), self._started, self._settled, (*told, *self._others))

    def _write(self) -> None:
        state = self._tell()
        if state != self._written:
            write_state(self._home, state)
            self._written = state

    def _end_all(self) -> None:
        """End the parts, those that others stand on last."""
        _log.info("stopping")
        bases = {one.part.after for one in self._watched.values()}
        for standing in (False, True):
            children = [
                one.child
                for name, one in self._watched.items()
                if one.child is not None and (name in bases) is standing
            ]
            if children:
                with ThreadPoolExecutor(len(children)) as pool:
                    list(pool.map(ChildProcess.stop, children))
        _log.info("stopped: nothing is left running")
