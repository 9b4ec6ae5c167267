"""Which days of a campaign are lived through with what happening to the transformers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.clock import DAY_S, local_midnight
from simulation.errors import SimulationError
from simulation.thermal.sections import can_be_out
from substations.description import Substation
from switchyard.identity import ScenarioId, generator
from switchyard.profiles import Profile

KINDS = ("parallel_outage", "load_growth", "heat_wave", "parallel_outage", "load_growth", "none")
"""What happens in one episode after the other; where it begins is drawn."""

DAY_MIN = DAY_S // 60

_PEAK_PU = {"load_growth": (1.0, 1.7), "parallel_outage": (1.15, 1.8), "heat_wave": (0.85, 1.3)}
_HEAT_K = (4.0, 9.0)
_OUTAGE_MIN = (120, 720)
_MORNING_MIN = 360
# How often a transformer's forced cooling is not whole, and by what share the oil's rise is higher then.
# Assumed.
_WEAK_SHARE, _LOST = 0.35, (0.08, 0.30)


@dataclass(frozen=True, slots=True)
class ThermalEpisode:
    """Some days of a substation's transformers.

    Attributes:
        scenario: Its name.
        kind: What happens; "none" for nothing.
        t: Beginning, Unix seconds, a local midnight.
        days: Its length.
        peak_pu: Largest load that growth brings to each transformer in the stressed state, pu of its rated
            power, shape [u].
        heat_k: How much warmer the air becomes.
        out: Position of the transformer that is lost, None for none.
        outages: Whether it is out in each minute, shape [minutes].
        lost_cooling: By what share forced cooling is too weak at each transformer, shape [u].
    """

    scenario: ScenarioId
    kind: str
    t: int
    days: int
    peak_pu: NDArray[np.float64]
    heat_k: float
    out: int | None
    outages: NDArray[np.bool_]
    lost_cooling: NDArray[np.float64]


def plan_thermal(substation: Substation, profile: Profile) -> tuple[ThermalEpisode, ...]:
    """The campaign's episodes, spread evenly over its days; none overlaps another.

    Raises:
        SimulationError: The campaign has too few days for them.
    """
    sizes = profile.simulation.thermal
    room = profile.simulation.load_days // max(sizes.episodes, 1)
    if sizes.episodes and room < sizes.days:
        raise SimulationError(
            f"{sizes.episodes} thermal episodes of {sizes.days} days do not fit into "
            f"{profile.simulation.load_days} days",
            "raise simulation.load_days of the profile, or lower simulation.thermal",
        )
    names = (substation.name, profile.name, str(profile.seed))
    first = int(generator(*names, "thermal").integers(len(KINDS)))
    start = local_midnight(profile.simulation.start, substation.utc_offset_s)
    return tuple(
        _draw(
            substation,
            ScenarioId(substation.name, profile.name, profile.seed, "thermal", index),
            KINDS[(first + index) % len(KINDS)],
            range(
                start + DAY_S * index * room, start + DAY_S * (index * room + room - sizes.days + 1), DAY_S
            ),
            sizes.days,
        )
        for index in range(sizes.episodes)
    )


def _draw(
    substation: Substation, scenario: ScenarioId, kind: str, mornings: range, days: int
) -> ThermalEpisode:
    rng = scenario.generator("thermal")
    count = len(substation.transformers)
    able = can_be_out(substation)
    if kind == "parallel_outage" and not able:
        kind = "none"
    t = mornings[int(rng.integers(len(mornings)))]
    peak = rng.uniform(*_PEAK_PU[kind], count) if kind in _PEAK_PU else np.zeros(count)
    heat = float(rng.uniform(*_HEAT_K)) if kind == "heat_wave" else 0.0
    outages = np.zeros(days * DAY_MIN, dtype=bool)
    out = None
    if kind == "parallel_outage":
        out = able[int(rng.integers(len(able)))]
        # One on every day from the morning on; each is over before its day is.
        for day in range(days):
            length = int(rng.integers(*_OUTAGE_MIN))
            begin = day * DAY_MIN + int(rng.integers(_MORNING_MIN, DAY_MIN - length))
            outages[begin : begin + length] = True
    weak = rng.random(count) < _WEAK_SHARE
    lost = np.where(weak, rng.uniform(*_LOST, count), 0.0)
    return ThermalEpisode(scenario, kind, t, days, peak, heat, out, outages, lost)
