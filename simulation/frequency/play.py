"""Episodes of system frequency lived through together: drawn, integrated, measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.frequency import EVENTS
from simulation.clock import DAY_S, local_midnight
from simulation.frequency.ambient import draw_shocks, quiet
from simulation.frequency.disturbance import Disturbance
from simulation.frequency.meter import read_frequency
from simulation.frequency.plan import draw_events
from simulation.frequency.region import GROUPS, draw_system, region_of
from simulation.frequency.swing import Response, respond
from simulation.frequency.system import Systems
from simulation.noise import Floats
from simulation.scenario.episode import Episode
from substations.description import Substation
from switchyard.identity import ScenarioId, generator
from switchyard.profiles import Profile

_GOLDEN = 0.6180339887498949
# How much the restlessness of the load differs from episode to episode: standard deviation of its logarithm.
_RESTLESS = 0.15


@dataclass(frozen=True, slots=True)
class Play:
    """Episodes of frequency that were lived through together.

    Attributes:
        episodes: Their rows of `scenarios`, without states.
        response: The truth.
        f_hz: Measured frequency, NaN where nothing was said, shape [t, e].
        quality: Validity, shape [t, e].
        event: Code in `EVENTS` of the latest event, shape [t, e].
        since_s: Seconds from its onset to the end of the row's second, NaN before the first, shape [t, e].
    """

    episodes: tuple[Episode, ...]
    response: Response
    f_hz: Floats
    quality: NDArray[np.int8]
    event: NDArray[np.int8]
    since_s: Floats


def play(substation: Substation, profile: Profile, scenarios: tuple[ScenarioId, ...], seconds: int) -> Play:
    """Live through scenarios together; what comes of each does not depend on the others."""
    region = region_of(substation.name)
    nominal = float(substation.frequency_hz)
    systems, events, shocks, restless = [], [], [], []
    for scenario in scenarios:
        rng = scenario.generator("system")
        systems.append(draw_system(rng, region, nominal))
        restless.append(float(np.exp(_RESTLESS * (rng.standard_normal() - 0.5 * _RESTLESS))))
        events.append(
            draw_events(scenario.generator("events"), region, float(systems[-1].inertia_s[0]), seconds)
        )
        shocks.append(draw_shocks(scenario.generator("ambient"), seconds))
    response = respond(
        Systems.side_by_side(systems), tuple(events), quiet(np.stack(shocks, axis=2)) * np.array(restless)
    )
    measured = [
        read_frequency(scenario.generator("meters"), response.f_hz[:, k])
        for k, scenario in enumerate(scenarios)
    ]
    marks = [_marks(each, seconds) for each in events]
    return Play(
        episodes=tuple(
            Episode(
                scenario=scenario,
                t_start=_begin(substation, profile, scenario, seconds),
                seconds=seconds,
                cause=events[k][0].kind if events[k] else "none",
                parameters=_parameters(systems[k], restless[k], events[k]),
            )
            for k, scenario in enumerate(scenarios)
        ),
        response=response,
        f_hz=np.stack([each for each, _ in measured], axis=1),
        quality=np.stack([each for _, each in measured], axis=1),
        event=np.stack([each for each, _ in marks], axis=1),
        since_s=np.stack([each for _, each in marks], axis=1),
    )


def _begin(substation: Substation, profile: Profile, scenario: ScenarioId, seconds: int) -> int:
    """Unix seconds of the episode's first second; days are spread as those of all kinds are."""
    plan = profile.simulation
    first = generator(
        scenario.substation, scenario.campaign, str(scenario.seed), scenario.kind, "days"
    ).random()
    day = int(plan.load_days * ((first + scenario.index * _GOLDEN) % 1.0))
    midnight = local_midnight(plan.start, substation.utc_offset_s)
    return midnight + day * DAY_S + int(scenario.generator("time").integers(0, DAY_S - seconds))


def _marks(events: tuple[Disturbance, ...], seconds: int) -> tuple[NDArray[np.int8], Floats]:
    """Code of the latest event, and the time since its onset, at the end of every second."""
    end = np.arange(seconds) + 1.0
    code, since = np.zeros(seconds, dtype=np.int8), np.full(seconds, np.nan)
    for event in events:
        after = end > event.onset_s
        code[after] = EVENTS.index(event.kind)
        since[after] = end[after] - event.onset_s
    return code, since


def _parameters(systems: Systems, restless: float, events: tuple[Disturbance, ...]) -> dict[str, object]:
    def values(array: Floats) -> dict[str, float]:
        return {name: float(value) for name, value in zip(GROUPS, array[:, 0], strict=True)}

    return {
        "inertia_s": float(systems.inertia_s[0]),
        "damping": float(systems.damping[0]),
        "gain": values(systems.gain),
        "dead_band_hz": values(systems.dead_band * systems.nominal_hz),
        "reserve_up_pu": values(systems.up),
        "reserve_down_pu": values(systems.down),
        "agc_limit_pu": float(systems.agc_limit[0]),
        "restless": restless,
        "events": [asdict(event) for event in events],
    }
