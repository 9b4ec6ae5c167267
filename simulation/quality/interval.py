"""What ten minutes were truly like at every point (IEC 61000-4-30: squares are averaged)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.quality_index import F_LIMIT_SHARE, Limits, State, pst_limit
from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.sequence import unbalance_pct
from substations.description import Substation

INTERVAL_S = 600
"""Aggregation interval of IEC 61000-4-30."""

F_MEAN_S = 10
"""Averaging time of its frequency."""


@dataclass(frozen=True, slots=True)
class Events:
    """Voltage events of an interval, each of shape [p].

    Attributes:
        sags: Number of sags.
        swells: Number of swells.
        rapid_changes: Number of rapid voltage changes.
        severity: Sum of the severities of sags and swells.
        lasting_s: Time in sags and swells.
        low_pu: Lowest voltage of a phase in them; infinite without any.
        high_pu: Highest.
    """

    sags: NDArray[np.int64]
    swells: NDArray[np.int64]
    rapid_changes: NDArray[np.int64]
    severity: Floats
    lasting_s: Floats
    low_pu: Floats
    high_pu: Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """Ten minutes.

    Attributes:
        t_start: Unix seconds of their beginning.
        v: Mean phasors of the fundamental, V, shape [p, 3].
        u_pu: RMS of each phase, pu of nominal, shape [p, 3].
        u_min_pu: Smallest half-cycle value of a phase, shape [p].
        u_max_pu: Largest.
        vuf_pct: Unbalance, shape [p].
        thd_pct: Total harmonic distortion of each phase, shape [p, 3].
        harmonic_pct: Largest single harmonic of any phase, shape [p].
        harmonic_order: Its order.
        pst: Short-term flicker severity of each phase, shape [p, 3].
        events: What happened.
        f_dev_mean_hz: Mean absolute departure of the frequency.
        f_dev_max_hz: Largest departure of a ten-second mean.
        level_pu: RMS of the distortion's level over the interval in multiples of its mean in the readings.
        limits: Limits at each point.
    """

    t_start: int
    v: Complexes
    u_pu: Floats
    u_min_pu: Floats
    u_max_pu: Floats
    vuf_pct: Floats
    thd_pct: Floats
    harmonic_pct: Floats
    harmonic_order: NDArray[np.int64]
    pst: Floats
    events: Events
    f_dev_mean_hz: float
    f_dev_max_hz: float
    level_pu: float
    limits: Limits

    @property
    def state(self) -> State:
        """What the index is made from."""
        return State(
            u_pu=self.u_pu,
            vuf_pct=self.vuf_pct,
            thd_pct=self.thd_pct.max(axis=1),
            harmonic_pct=self.harmonic_pct,
            pst=self.pst.max(axis=1),
            event_severity=self.events.severity,
            f_dev_hz=np.full(self.vuf_pct.size, self.f_dev_max_hz),
        )


def nominal_voltages(substation: Substation) -> Floats:
    """Nominal phase-to-neutral voltage of every point, V, shape [p]."""
    return np.array([point.nominal_kv * 1e3 / np.sqrt(3.0) for point in substation.points])


def limits_of(substation: Substation) -> Limits:
    """Limits of every point by its voltage level, each of shape [p]."""
    found = [substation.limit(point.nominal_kv) for point in substation.points]
    return Limits(
        v_min_pu=np.array([each.v_min_pu for each in found]),
        v_max_pu=np.array([each.v_max_pu for each in found]),
        vuf_pct=np.array([each.vuf_pct for each in found]),
        thd_pct=np.array([each.thd_pct for each in found]),
        harmonic_pct=np.array([each.single_harmonic_pct for each in found]),
        pst=np.array([pst_limit(point.nominal_kv) for point in substation.points]),
        f_dev_hz=np.full(len(found), F_LIMIT_SHARE * substation.frequency_hz),
    )


def quadratic_mean(values: Floats, weights: Floats) -> Floats:
    """Root of the weighted mean of squares along the first axis."""
    return np.asarray(np.sqrt(np.tensordot(weights / weights.sum(), values**2, axes=1)))


def mean_unbalance_pct(v: Complexes, weights: Floats) -> Floats:
    """Unbalance over an interval from phasors [k, p, 3], shape [p]."""
    return quadratic_mean(unbalance_pct(v), weights)


def frequency_departures(f_hz: Floats, nominal_hz: float) -> tuple[float, float]:
    """Mean absolute departure, and the largest of ten-second means, from one-second means [600], Hz."""
    means = f_hz.reshape(-1, F_MEAN_S).mean(axis=1)
    return float(np.abs(f_hz - nominal_hz).mean()), float(np.abs(means - nominal_hz).max())


def largest_harmonic(v: Complexes, level: float) -> tuple[Floats, NDArray[np.int64]]:
    """Largest single harmonic of any phase in % of the fundamental, and its order.

    Args:
        v: Phasors of orders 1 … 40, shape [p, 3, 40].
        level: Their level over the interval as a multiple.

    Returns:
        Shape [p] each; zero and order 2 where there is no fundamental.
    """
    size = np.abs(v)
    alive = size[..., :1] > 0.0
    share = np.where(alive, size[..., 1:] / np.where(alive, size[..., :1], 1.0), 0.0).max(axis=1)
    return 100.0 * level * share.max(axis=1), np.asarray(share.argmax(axis=1) + 2, dtype=np.int64)
