"""Four ways in which customers use electricity; each says what its devices draw and what it can move.

base_load: processes, cold stores and masts that run around the clock. peak_shaver: offices, malls and
blocks of flats whose own peak falls into the evening's, of which a battery or a generator can take the top.
flexible: pumps, charging depots and ice stores that run when told to. critical: hospitals, waterworks and
signalling, which may not stop. Ranges are from common knowledge of load research.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulation.customers.behaviour import HOURS, habit, handover, running, thermostat
from simulation.noise import Floats
from substations.description import Climate

_COOLING_LOSS, _BATTERY_LOSS = 0.06, 0.12


@dataclass(frozen=True, slots=True)
class Habits:
    """What n customers of a class draw and can move, in pu of each one's own scale.

    Attributes:
        working: Working day, shape [n, 96].
        weekend: Day of rest, shape [n, 96].
        warmer: Working day when it is one kelvin warmer, shape [n, 96].
        movable: Share of the peak hours' energy that the customer moves on a day of high price, shape [n].
        loss: Extra energy for what is moved, shape [n].
        variability: Standard deviation from day to day, share of the mean, shape [n].
        standby: Share of the load that own generators can carry, shape [n].
    """

    working: Floats
    weekend: Floats
    warmer: Floats
    movable: Floats
    loss: Floats
    variability: Floats
    standby: Floats

    def blended(self, other: Habits, own: Floats) -> Habits:
        """Sites of which a share `own`, shape [n], has these habits and the rest the other ones.

        Both parts count by the energy of their working day.
        """
        mean = self.working.mean(axis=1)
        scale = mean / other.working.mean(axis=1)

        def both(name: str, factor: Floats) -> Floats:
            mine, theirs = getattr(self, name), getattr(other, name)
            tail = (slice(None),) + (None,) * (mine.ndim - 1)
            return np.asarray(own[tail] * mine + ((1.0 - own) * factor)[tail] * theirs)

        ones = np.ones(own.size)
        return Habits(
            **{name: both(name, scale) for name in ("working", "weekend", "warmer")},
            **{name: both(name, ones) for name in ("movable", "loss", "variability", "standby")},
        )


Draw = Callable[[np.random.Generator, Climate, int], Habits]


def _spread(rng: np.random.Generator, count: int, low: float, high: float) -> Floats:
    return rng.uniform(low, high, count)


def _share(rng: np.random.Generator, count: int, mean: float, weight: float) -> Floats:
    return rng.beta(mean * weight, (1.0 - mean) * weight, count)


def _cooling(rng: np.random.Generator, climate: Climate, count: int) -> tuple[Floats, Floats]:
    """The same air conditioners today and on a day that is one kelvin warmer, shape [n, 96] each."""
    set_c, band_k = _spread(rng, count, 21.0, 27.0), _spread(rng, count, 10.0, 16.0)
    return (
        thermostat(climate.mean_c, climate.daily_amplitude_c, set_c, band_k),
        thermostat(climate.mean_c + 1.0, climate.daily_amplitude_c, set_c, band_k),
    )


def _of(always: Floats, active: Floats, cool: Floats, factor: Floats) -> Floats:
    """A day's load: what always runs, what people do times `factor`, and cooling."""
    return np.asarray(always + factor[:, None] * active + cool)


def base_load(rng: np.random.Generator, climate: Climate, count: int) -> Habits:
    """Three shifts or none: hardly a difference between hours or days."""
    process = handover(_spread(rng, count, 5.0, 7.0), _spread(rng, count, 0.0, 0.12))
    office = _spread(rng, count, 0.0, 0.12)[:, None] * running(
        _spread(rng, count, 7.5, 9.5), _spread(rng, count, 8.0, 10.0), np.full(count, 0.75)
    )
    now, warm = _cooling(rng, climate, count)
    size = _spread(rng, count, 0.02, 0.16)[:, None]
    rest = _spread(rng, count, 0.1, 0.6)
    return Habits(
        working=_of(process, office, size * now, np.ones(count)),
        weekend=_of(process * _spread(rng, count, 0.96, 1.0)[:, None], office, size * now, rest),
        warmer=_of(process, office, size * warm, np.ones(count)),
        movable=_share(rng, count, 0.04, 25.0),
        loss=np.zeros(count),
        variability=_spread(rng, count, 0.015, 0.05),
        standby=_share(rng, count, 0.12, 14.0),
    )


def peak_shaver(rng: np.random.Generator, climate: Climate, count: int) -> Habits:
    """A day that climbs to the evening: shops, lifts and kitchens on top of cooling."""
    ones = np.ones(count)
    floor = _spread(rng, count, 0.14, 0.26)[:, None] * np.ones(HOURS.size)
    day = _spread(rng, count, 0.15, 0.4)[:, None] * running(
        _spread(rng, count, 9.0, 11.5), _spread(rng, count, 10.0, 12.5), _spread(rng, count, 0.75, 2.0)
    )
    evening = _spread(rng, count, 0.75, 1.2)[:, None] * habit(
        _spread(rng, count, 18.9, 20.6), _spread(rng, count, 1.2, 1.9)
    )
    now, warm = _cooling(rng, climate, count)
    open_ = np.clip(day / 0.3 + evening, 0.0, 1.0)
    size = _spread(rng, count, 0.15, 0.4)[:, None] * (0.2 + 0.8 * open_)
    rest = _spread(rng, count, 0.75, 1.15)
    return Habits(
        working=_of(floor, day + evening, size * now, ones),
        weekend=_of(floor, day + evening, size * now, rest),
        warmer=_of(floor, day + evening, size * warm, ones),
        movable=_share(rng, count, 0.24, 45.0),
        loss=np.full(count, _BATTERY_LOSS),
        variability=_spread(rng, count, 0.06, 0.14),
        standby=_share(rng, count, 0.25, 14.0),
    )


def flexible(rng: np.random.Generator, climate: Climate, count: int) -> Habits:
    """One large thing that may run at any hour, mostly by night, beside a small ordinary load."""
    ones = np.ones(count)
    floor = _spread(rng, count, 0.12, 0.3)[:, None] * np.ones(HOURS.size)
    day = _spread(rng, count, 0.1, 0.3)[:, None] * running(
        _spread(rng, count, 8.0, 10.0), _spread(rng, count, 8.0, 11.0), np.full(count, 1.0)
    )
    block = running(
        _spread(rng, count, 21.0, 23.9), _spread(rng, count, 6.0, 8.5), _spread(rng, count, 0.25, 1.5)
    )
    noon = _spread(rng, count, 0.0, 0.45)[:, None] * running(
        _spread(rng, count, 10.5, 12.5), _spread(rng, count, 2.5, 4.5), np.full(count, 0.5)
    )
    now, warm = _cooling(rng, climate, count)
    size = _spread(rng, count, 0.02, 0.2)[:, None]
    rest = _spread(rng, count, 0.75, 1.05)
    return Habits(
        working=_of(floor, day + block + noon, size * now, ones),
        weekend=_of(floor, day + block + noon, size * now, rest),
        warmer=_of(floor, day + block + noon, size * warm, ones),
        movable=_share(rng, count, 0.62, 30.0),
        loss=_spread(rng, count, 0.0, _COOLING_LOSS),
        variability=_spread(rng, count, 0.12, 0.26),
        standby=_share(rng, count, 0.08, 14.0),
    )


def critical(rng: np.random.Generator, climate: Climate, count: int) -> Habits:
    """What may not stop, with a day of visitors and wards on top, and generators for nearly all of it."""
    ones = np.ones(count)
    floor = _spread(rng, count, 0.55, 0.75)[:, None] * np.ones(HOURS.size)
    day = _spread(rng, count, 0.22, 0.4)[:, None] * running(
        _spread(rng, count, 5.5, 7.5), _spread(rng, count, 13.0, 16.0), _spread(rng, count, 1.0, 2.5)
    )
    now, warm = _cooling(rng, climate, count)
    size = _spread(rng, count, 0.12, 0.3)[:, None]
    rest = _spread(rng, count, 0.7, 1.0)
    return Habits(
        working=_of(floor, day, size * now, ones),
        weekend=_of(floor, day, size * now, rest),
        warmer=_of(floor, day, size * warm, ones),
        movable=_share(rng, count, 0.015, 40.0),
        loss=np.zeros(count),
        variability=_spread(rng, count, 0.02, 0.06),
        standby=_share(rng, count, 0.86, 18.0),
    )


CLASSES: dict[str, Draw] = {
    "base_load": base_load,
    "peak_shaver": peak_shaver,
    "flexible": flexible,
    "critical": critical,
}
"""How each class draws its customers' habits."""
