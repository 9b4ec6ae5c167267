"""Voltage events of the campaign: whether one comes within ten minutes, and what causes it."""

from __future__ import annotations

import numpy as np

from data_contracts.tables.sag_events import CAUSES
from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import accuracy, information
from models import columns, splits
from simulation.clock import local_time
from simulation.demand import FeederLoads
from simulation.events.intensity import Campaign as Events
from simulation.events.process import MEMORY_H, OFFSPRING

AHEAD_S = 600
DAY_S, HOUR_S, QUARTER_S = 86_400.0, 3_600.0, 900
BACK_H = (1.0, 6.0, 24.0)
USUAL_PER_DAY = 1.1
RATE = USUAL_PER_DAY * AHEAD_S / DAY_S
"""Chance that an event falls into ten minutes, of a campaign of 400 events a year."""

CAREFUL = {"max_leaf_nodes": 8, "learning_rate": 0.03, "l2_regularization": 10.0}
"""Gradient boosting as it comes learns the few events of a campaign by heart."""

PRIOR = 2.0
"""Events by which a rate counted in few windows is drawn to that of all."""


class SagAhead(Target):
    """Whether a voltage event begins within the next ten minutes, anywhere at the station."""

    name = "sag_next_10min"
    title = "A voltage event within the next 10 min"
    tables = ("sag_events", "load")
    task = "chance"
    score = information(RATE)
    grouped = "day"
    oracle = "true intensity of the point process at the window's begin"

    def read(self, campaign: Campaign) -> Cases | None:
        """All windows of ten minutes of the campaign."""
        loads = campaign.loads
        if loads is None:
            return None
        events, process = Happened.read(campaign), _process(campaign, loads)
        t = np.arange(float(loads.t[0]) + DAY_S, float(loads.t[-1]), float(AHEAD_S))
        y = np.diff(np.searchsorted(events.t, np.append(t, t[-1] + AHEAD_S))) > 0
        X, names = _inputs(campaign, loads, process, events, t)
        hour = X[:, names.index("hour")].astype(np.int64)
        lately = np.minimum(X[:, names.index("events_1h")], 1.0).astype(np.int64)
        day = _days(campaign, t)

        def base_rate(train: Ints) -> Floats:
            return _rates(hour, y, train)

        def last_hour(train: Ints) -> Floats:
            return _rates(lately, y, train)

        def both(train: Ints) -> Floats:
            return _rates(24 * lately + hour, y, train)

        return Cases(
            columns=names,
            X=X,
            y=y.astype(np.float64),
            group=day,
            opponents={"hour": base_rate, "last hour's count": last_hour, "hour and last hour": both},
            boosting=CAREFUL,
            oracle=-np.expm1(-_intensity(process, t).sum(axis=1) * AHEAD_S / HOUR_S),
        )


class SagCause(Target):
    """What causes an event that begins now, as it could be said just before it."""

    name = "sag_cause"
    title = "Cause of the next voltage event, said just before it"
    tables = ("sag_events", "load")
    task = "class"
    score = accuracy(len(CAUSES))
    grouped = "day"
    oracle = "the cause of the largest true intensity"

    def read(self, campaign: Campaign) -> Cases | None:
        """One row an event."""
        loads = campaign.loads
        if loads is None:
            return None
        events, process = Happened.read(campaign), _process(campaign, loads)
        late = events.t >= float(loads.t[0]) + DAY_S
        t, y = events.t[late], events.cause[late]
        X, names = _inputs(campaign, loads, process, events, t)
        hour = X[:, names.index("hour")].astype(np.int64)
        day = _days(campaign, t)

        def by_hour(train: Ints) -> Floats:
            counts = np.zeros((24, len(CAUSES)))
            np.add.at(counts, (hour[train], y[train]), 1.0)
            counts += counts.sum(axis=0) / max(train.size, 1)
            likeliest: Floats = counts.argmax(axis=1)[hour].astype(np.float64)
            return likeliest

        return Cases(
            columns=names,
            X=X,
            y=y.astype(np.float64),
            group=day,
            opponents={"most frequent by hour": by_hour},
            boosting=CAREFUL,
            oracle=_intensity(process, t).argmax(axis=1).astype(np.float64),
        )


class Happened:
    """Events in the order of time: when, which cause."""

    def __init__(self, t: Floats, cause: Ints) -> None:
        self.t = t
        self.cause = cause

    @classmethod
    def read(cls, campaign: Campaign) -> Happened:
        """Each event of `sag_events` once, however many points saw it."""
        rows = campaign.dataset.read("sag_events", columns=["event_id", "t", "cause"])
        event, cause = columns.names(rows, "event_id"), columns.names(rows, "cause")
        _, first = np.unique(event.codes, return_index=True)
        ms = columns.milliseconds(rows)[first] / 1000.0
        known = np.array([CAUSES.index(text) for text in cause.texts], dtype=np.int64)[cause.codes[first]]
        order = np.argsort(ms, kind="stable")
        return cls(ms[order], known[order])


def _process(campaign: Campaign, loads: FeederLoads) -> Events:
    return Events.of(campaign.substation, loads, campaign.profile.name, campaign.profile.seed)


def _inputs(
    campaign: Campaign, loads: FeederLoads, process: Events, events: Happened, t: Floats
) -> tuple[Floats, tuple[str, ...]]:
    """Calendar, weather and load of the last quarter, flashes of the last hour, and what happened lately."""
    when = local_time(t, campaign.substation.utc_offset_s)
    at = np.clip(((t - loads.t[0]) // QUARTER_S).astype(np.int64) - 1, 4, loads.t.size - 1)
    total = loads.p_w.sum(axis=1) / 1e6
    hour = ((t - loads.t[0]) // HOUR_S).astype(np.int64) - 1
    found: dict[str, Floats] = {
        "hour": when.hour.astype(np.float64),
        "day_of_week": when.day_of_week.astype(np.float64),
        "day_of_year": when.day_of_year.astype(np.float64),
        "holiday": when.holiday.astype(np.float64),
        "ambient_c": loads.weather.ambient_c[at],
        "wind_m_s": loads.weather.wind_m_s[at],
        "ghi_w_m2": loads.weather.ghi_w_m2[at],
        "lightning_per_h": process.hourly.lightning_per_h[hour],
        "load_mw": total[at],
        "ramp_mw_h": total[at] - total[at - 4],
    }
    before = np.searchsorted(events.t, t, side="left")
    found["since_h"] = np.where(before > 0, t - events.t[np.maximum(before - 1, 0)], np.nan) / HOUR_S
    for hours in BACK_H:
        for code, cause in enumerate(("", *CAUSES)):
            own = events.t if not cause else events.t[events.cause == code - 1]
            count = np.searchsorted(own, t, side="left") - np.searchsorted(own, t - hours * HOUR_S)
            found["_".join(filter(None, ("events", cause, f"{hours:g}h")))] = count.astype(np.float64)
    return np.stack(list(found.values()), axis=1), tuple(found)


def _intensity(events: Events, t: Floats) -> Floats:
    """True intensity of each cause at the instants `t`, given all that came before them, 1/h, [n, causes]."""
    hours = (t - float(events.hourly.t[0])) / HOUR_S
    found = events.baseline_per_h[np.minimum(hours.astype(np.int64), events.hourly.t.size - 1)].copy()
    arrivals = events.arrivals
    for begun, stream in zip(
        arrivals.hours[arrivals.incipient], arrivals.stream[arrivals.incipient], strict=True
    ):
        # Beyond thirty memories nothing is left.
        first, last = np.searchsorted(hours, (begun + 1e-9, begun + 30.0 * MEMORY_H))
        found[first:last, stream] += OFFSPRING / MEMORY_H * np.exp((begun - hours[first:last]) / MEMORY_H)
    return events.by_cause(found)


def _rates(code: Ints, y: np.ndarray, train: Ints) -> Floats:
    """Share of the training rows of the same code in which it happens, drawn to that of all of them."""
    size = int(code.max()) + 1
    rate = float(y[train].mean())
    hit = np.bincount(code[train], weights=y[train], minlength=size)
    of = np.bincount(code[train], minlength=size)
    return np.asarray(((hit + PRIOR * rate) / (of + PRIOR))[code], dtype=np.float64)


def _days(campaign: Campaign, t: Floats) -> Ints:
    return splits.day_of(t, campaign.start, campaign.substation.utc_offset_s)


TARGETS = (SagAhead(), SagCause())
