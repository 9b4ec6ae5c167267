"""All customers of a substation: who they are, what their meters show, and what they could move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.customers.behaviour import NIGHT_HOURS, PEAK_HOURS, QUARTERS, between, moved
from simulation.customers.classes import CLASSES, Habits
from simulation.noise import Floats
from substations.description import Substation
from switchyard.identity import generator

SECTORS = ("residential", "commercial", "industrial", "agricultural")

# How the customers of a sector divide on the classes, in the order of CLASSES; their mean demand, W, and the
# standard deviation of its logarithm. Customers that are large enough to talk to, not single homes.
_CLASS_OF_SECTOR = np.array(
    [[0.05, 0.67, 0.22, 0.06], [0.18, 0.42, 0.20, 0.20], [0.52, 0.14, 0.24, 0.10], [0.06, 0.04, 0.88, 0.02]]
)
_MEAN_W = np.array([60e3, 140e3, 420e3, 45e3])
_LOG_SPREAD = 0.7

# At most half of a site behaves like another class (half a beta value): little of most, half of some.
_OTHER_BETA = (0.35, 1.4)

# Days over which a meter's typical day is averaged, and the noise of what is estimated from its readings.
_DAYS = 60
_PRICE_NOISE, _TEMPERATURE_NOISE, _VARIABILITY_NOISE = 0.035, 0.002, 0.12


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers of one substation, sorted by name; every array has n rows.

    Attributes:
        names: Name of each.
        point: Row of the feeder in the description.
        sector: Code in SECTORS.
        kind: Code of the true class, a position in CLASSES.
        working_w: Mean of working days, W, shape [n, 96].
        weekend_w: Mean of days of rest, W, shape [n, 96].
        price_response: Fall of the peak hours' energy on days of high price, as estimated, share.
        temperature_per_k: Rise of the mean by one kelvin, as estimated, share.
        variability: Standard deviation from day to day, as estimated, share of the mean.
        standby: Share of the load behind own generators, as registered.
        flexible_w: Mean power that the customer truly moves out of the peak hours, W.
    """

    names: tuple[str, ...]
    point: NDArray[np.int64]
    sector: NDArray[np.int64]
    kind: NDArray[np.int64]
    working_w: Floats
    weekend_w: Floats
    price_response: Floats
    temperature_per_k: Floats
    variability: Floats
    standby: Floats
    flexible_w: Floats

    @property
    def mean_w(self) -> Floats:
        """Mean over a week of five working days, W, shape [n]."""
        return np.asarray((5.0 * self.working_w.mean(axis=1) + 2.0 * self.weekend_w.mean(axis=1)) / 7.0)

    @property
    def peak_w(self) -> Floats:
        """Largest quarter of either day, W, shape [n]."""
        return np.asarray(np.maximum(self.working_w.max(axis=1), self.weekend_w.max(axis=1)))

    @property
    def night_share(self) -> Floats:
        """Share of a working day's energy that is drawn between midnight and six, shape [n]."""
        return self._share(NIGHT_HOURS)

    @property
    def peak_hours_share(self) -> Floats:
        """Share of a working day's energy that is drawn in the evening's peak hours, shape [n]."""
        return self._share(PEAK_HOURS)

    @property
    def ramp(self) -> Floats:
        """Largest rise or fall between hours of a working day, share of the peak, shape [n]."""
        hourly = self.working_w.reshape(len(self.names), 24, 4).mean(axis=2)
        steps = np.abs(hourly - np.roll(hourly, 1, axis=1)).max(axis=1)
        return np.asarray(steps / self.peak_w)

    def _share(self, hours: tuple[float, float]) -> Floats:
        return np.asarray(self.working_w[:, between(hours)].sum(axis=1) / self.working_w.sum(axis=1))


def draw_customers(substation: Substation, count: int, campaign: str, seed: int) -> Customers:
    """Draw a substation's customers.

    Feeders get customers by their base load, sectors by the feeder's mix, classes by the sector.

    Args:
        substation: Its description.
        count: Number of customers.
        campaign: Name of the profile.
        seed: The campaign's seed.
    """
    rng = generator(substation.name, campaign, str(seed), "customers")
    base = np.array([feeder.base_mw for feeder in substation.feeders])
    mixes = np.array([[getattr(feeder.mix, name) for name in SECTORS] for feeder in substation.feeders])
    point = _pick(rng, np.tile(base / base.sum(), (count, 1)))
    sector = _pick(rng, mixes[point])
    kind = _pick(rng, _CLASS_OF_SECTOR[sector])
    working, weekend = np.empty((count, QUARTERS)), np.empty((count, QUARTERS))
    known = {name: np.empty(count) for name in ("response", "warming", "variability", "standby", "flexible")}
    other = (kind + rng.integers(1, len(CLASSES), count)) % len(CLASSES)
    own = 1.0 - 0.5 * rng.beta(*_OTHER_BETA, count)
    draws = tuple(CLASSES.values())
    for first in range(len(draws)):
        for second in range(len(draws)):
            rows = np.flatnonzero((kind == first) & (other == second))
            if not rows.size:
                continue
            main, side = (draws[k](rng, substation.climate, rows.size) for k in (first, second))
            habits = main.blended(side, own[rows])
            working[rows], weekend[rows] = habits.working, habits.weekend
            for name, values in _truth(habits).items():
                known[name][rows] = values
    mean_w = _MEAN_W[sector] * np.exp(_LOG_SPREAD * rng.standard_normal(count) - 0.5 * _LOG_SPREAD**2)
    scale = mean_w / ((5.0 * working.mean(axis=1) + 2.0 * weekend.mean(axis=1)) / 7.0)
    for day in (working, weekend):
        blur = known["variability"][:, None] / np.sqrt(_DAYS) * rng.standard_normal((count, QUARTERS))
        np.multiply(day, scale[:, None] * (1.0 + np.clip(blur, -0.5, 0.5)), out=day)
    noise = rng.standard_normal((3, count))
    return Customers(
        names=tuple(f"{substation.name}-{k:06d}" for k in range(count)),
        point=point,
        sector=sector,
        kind=kind,
        working_w=working,
        weekend_w=weekend,
        price_response=np.clip(known["response"] + _PRICE_NOISE * noise[0], -1.0, 1.0),
        temperature_per_k=np.clip(known["warming"] + _TEMPERATURE_NOISE * noise[1], -0.1, 0.2),
        variability=known["variability"] * np.exp(_VARIABILITY_NOISE * noise[2]),
        standby=known["standby"],
        flexible_w=known["flexible"] * scale,
    )


def _truth(habits: Habits) -> dict[str, Floats]:
    """What the habits amount to: response to a price, to warmth, and the power that is moved, shape [n]."""
    peak = between(PEAK_HOURS)
    after = moved(habits.working, habits.movable, habits.loss)
    before_peak, after_peak = habits.working[:, peak].mean(axis=1), after[:, peak].mean(axis=1)
    return {
        "response": 1.0 - after_peak / before_peak,
        "warming": habits.warmer.mean(axis=1) / habits.working.mean(axis=1) - 1.0,
        "variability": habits.variability,
        "standby": habits.standby,
        "flexible": before_peak - after_peak,
    }


def _pick(rng: np.random.Generator, shares: Floats) -> NDArray[np.int64]:
    """One column a row, by the shares of the row, shape [n]."""
    level = np.cumsum(shares, axis=1)
    drawn = rng.random((shares.shape[0], 1)) * level[:, -1:]
    return np.asarray((drawn >= level).sum(axis=1), dtype=np.int64)
