"""The engine that answers now, and how a later snapshot takes its place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from serving import metrics
from serving.engine import Engine
from serving.limits import Limits
from serving.routing import NO_CHALLENGE, read_routing
from serving.shadow.worker import Shadow
from serving.snapshot import current_name
from switchyard.errors import SwitchyardError
from switchyard.home import Home
from switchyard.log import get_logger

_log = get_logger("serving")


class Live:
    """Holds one engine and replaces it as a whole.

    Attributes:
        engine: What answers; None until the first snapshot is proven.
        reason: Why there is no engine, for whoever asks.
        shadow: What compares challengers off the path.
    """

    def __init__(self, home: Home, substations: Collection[str], limits: Limits) -> None:
        self.engine: Engine | None = None
        self.reason = "the first snapshot is being loaded"
        self.shadow = Shadow(home)
        self._home = home
        self._substations = substations
        self._limits = limits
        self._refused: str | None = None
        self._retry_at = 0.0
        self._routing = NO_CHALLENGE
        self._complaint = ""

    async def watch(self) -> None:
        """Look at `serving/current` again and again; ends when cancelled."""
        while True:
            await self.refresh()
            metrics.settle()
            await asyncio.sleep(self._limits.poll_s)

    async def refresh(self) -> None:
        """Take up the current snapshot if it is another one; keep what is served if it is refused.

        The new engine is loaded and proven in a thread while the old one answers; requests at work finish on
        the engine that they began with. The same holds for what is asked of challengers.
        """
        self._read_routing()
        try:
            name = current_name(self._home)
        except SwitchyardError as error:
            self._refuse(None, str(error))
            return
        if name is None:
            self.reason = f"no snapshot is published yet: {self._home.current} does not exist"
            return
        if self.engine is not None and name == self.engine.snapshot:
            self._refused = None
            metrics.snapshot_alarm.set(0)
            await self._route()
            return
        if name == self._refused and time.monotonic() < self._retry_at:
            return
        await self._take_up(name)

    async def _take_up(self, name: str) -> None:
        started = time.perf_counter()
        try:
            loaded = await asyncio.to_thread(Engine.load, self._home, name, self._substations)
            engine = await asyncio.to_thread(loaded.routed, self._routing, self.shadow)
        except SwitchyardError as error:
            self._refuse(name, str(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever a file does to a library, the old snapshot stays
            _log.exception("snapshot %s could not be loaded", name)
            self._refuse(name, f"{type(error).__name__}: {error}")
            return
        old, self.engine = self.engine, engine
        self._refused = None
        metrics.swaps.labels("taken").inc()
        metrics.snapshot_alarm.set(0)
        metrics.ready.set(1)
        metrics.snapshot_seq.set(engine.seq)
        if engine.created is not None:
            metrics.snapshot_created.set(engine.created.timestamp())
        if old is not None:
            old.forget_metrics(keep=engine)
        _log.info("serving snapshot %s after %.2f s", name, time.perf_counter() - started)
        self._tell_waiting(engine)

    async def _route(self) -> None:
        """Take up what is asked of challengers if it is something else."""
        engine = self.engine
        if engine is None or engine.challengers.routing == self._routing:
            return
        self.engine = await asyncio.to_thread(engine.routed, self._routing, self.shadow)
        _log.info("challenges taken up: %s", ", ".join(self._routing.challenges) or "none")
        self._tell_waiting(self.engine)

    def _read_routing(self) -> None:
        """Read what is asked of challengers; what was asked before holds while the file is damaged."""
        try:
            self._routing = read_routing(self._home)
        except SwitchyardError as error:
            if self._complaint != str(error):
                _log.error("challenges stay as they are: %s", error)
            self._complaint = str(error)
        else:
            self._complaint = ""

    @staticmethod
    def _tell_waiting(engine: Engine) -> None:
        if waiting := engine.challengers.waiting():
            _log.warning("not in snapshot %s, champions answer: %s", engine.snapshot, ", ".join(waiting))

    def _refuse(self, name: str | None, why: str) -> None:
        serving = self.engine.snapshot if self.engine is not None else "nothing"
        if name is None or name != self._refused:
            _log.error("snapshot %s refused, %s stays: %s", name, serving, why)
        self.reason = f"snapshot {name} was refused: {why}"
        self._refused = name
        self._retry_at = time.monotonic() + self._limits.retry_s
        metrics.swaps.labels("refused").inc()
        metrics.snapshot_alarm.set(1)
