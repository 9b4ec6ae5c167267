"""The shadow's thread: a bounded queue that drops, and work only while no request is at work.

Requests and shadows share one interpreter. A request that arrives while a shadow computes waits for it at
most as long as one item takes, since the thread looks before every item whether a request is at work.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from data_contracts.answers import MODULE_OF, Answer
from data_contracts.wire import Response, pack
from serving import metrics
from serving.panel import INDEX, Asked, Plan, Served, answers_of, plan_for
from serving.shadow.comparison import Pair, compare
from serving.shadow.record import append
from serving.shadow.uncounted import Uncounted
from serving.sites import Site
from switchyard.home import Home
from switchyard.log import get_logger

MOST_ITEMS = 128
"""Items that may wait. With waveforms they are large: this bounds the worker's memory."""
PAUSE_S = 0.002

_log = get_logger("serving.shadow")


@dataclass(frozen=True, slots=True, eq=False)
class Shadowed:
    """Who answers off the path at one point.

    Attributes:
        models: Names of the models.
        plan: The plan that runs their challengers.
    """

    models: frozenset[str]
    plan: Plan


def shadow_of(site: Site, challengers: Mapping[str, Served]) -> Shadowed:
    """The plan of the challengers that answer off the path at `site`, by model."""
    uncounted = {name: Served(served.model, Uncounted()) for name, served in challengers.items()}
    return Shadowed(frozenset(challengers), plan_for(site, uncounted))


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    asked: Asked
    response: Response
    shadowed: Shadowed


class Shadow:
    """Compares challengers with what was served, on a thread of its own.

    Args:
        home: Where the comparisons are logged.
        most_items: Items that may wait.
    """

    def __init__(self, home: Home, most_items: int = MOST_ITEMS) -> None:
        self._home = home
        self._most_items = most_items
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = self._closed = False
        self._is_idle: Callable[[], bool] = _always

    def yield_to(self, is_idle: Callable[[], bool]) -> None:
        """Work only while `is_idle` says that no request is at work."""
        self._is_idle = is_idle

    def begin(self) -> None:
        """Start the thread, where it does not run yet; without it everything is dropped."""
        with self._changed:
            if self._thread is not None or self._closed:
                return
            thread = threading.Thread(target=self._work, name="shadow", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                _log.error("nothing is compared: %s", error)
                return
            self._thread = thread

    def offer(
        self, shadows: Mapping[Site, Shadowed], asked: Sequence[Asked], responses: Sequence[Response]
    ) -> None:
        """Take answered items on where there is room; never waits, and drops the others.

        Args:
            shadows: Who answers off the path, by point.
            asked: The items.
            responses: What was served, in the same order.
        """
        dropped = 0
        with self._changed:
            for one, response in zip(asked, responses, strict=True):
                shadowed = shadows.get(one.site)
                if shadowed is None or (one.models is not None and one.models.isdisjoint(shadowed.models)):
                    continue
                if self._closed or self._thread is None or len(self._waiting) >= self._most_items:
                    dropped += 1
                else:
                    self._waiting.append(_Waiting(one, response, shadowed))
            self._changed.notify_all()
        if dropped:
            metrics.shadow_items.labels("dropped").inc(dropped)

    def settle(self, seconds: float) -> bool:
        """Wait until nothing waits; whether that came true within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def close(self) -> None:
        """Drop what waits and let the thread end."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._busy = True
            while not self._is_idle():
                time.sleep(PAUSE_S)
            with self._changed:
                one = self._waiting.popleft() if self._waiting else None
            if one is not None:
                self._compare(one)

    def _compare(self, one: _Waiting) -> None:
        try:
            pairs = _pairs(one)
            append(self._home, pairs)
        except Exception:  # noqa: BLE001 - whatever breaks a challenger, the service stays whole
            metrics.shadow_items.labels("failed").inc()
            _log.exception("an item was not compared")
            return
        outcome = "differed" if any(pair.differ for pair in pairs) else "agreed"
        metrics.shadow_items.labels(outcome).inc()


def _pairs(one: _Waiting) -> list[Pair]:
    """The comparisons of one item, one a shadowed model that was asked."""
    asked, response = one.asked, one.response
    models = one.shadowed.models if asked.models is None else one.shadowed.models & asked.models
    (told,) = answers_of(
        {asked.site: one.shadowed.plan}, [Asked(asked.item, asked.site, models)], pack([asked.item])
    )
    of_item = partial(
        compare,
        request_id=str(response.request_id),
        substation=asked.site.substation,
        point=asked.site.point,
        time=datetime.now(UTC),
    )
    pairs = []
    for model in sorted(models):
        served = getattr(getattr(response, MODULE_OF[model]), model)
        shadow = told.answers[INDEX[model]]
        if isinstance(served, Answer) and isinstance(shadow, Answer):
            pairs.append(of_item(served, shadow, model=model))
    return pairs


def _always() -> bool:
    return True
