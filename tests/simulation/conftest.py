"""One substation, one engine and one small campaign for the whole session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec
import numpy as np
import pytest

import substations
from simulation.clock import local_midnight
from simulation.engine import Engine
from simulation.grid import BoundaryHour
from simulation.solving import Bench
from substations.description import Substation
from switchyard.identity import ScenarioId
from switchyard.profiles import Episodes, Profile, load_profile


@pytest.fixture(scope="session")
def mumbai() -> Substation:
    return substations.read("mumbai")


@pytest.fixture(scope="session")
def small_profile() -> Profile:
    """Thirty days and four episodes of each kind with twenty seconds of readings, in parts of two."""
    tiny = load_profile("tiny")
    lived = ("normal", "fault", "sag", "swell", "unbalance", "instrument")
    plan = msgspec.structs.replace(
        tiny.simulation,
        start=date(2025, 1, 1),
        load_days=30,
        part_scenarios=2,
        episodes={kind: Episodes(count=4, seconds=20) for kind in lived},
    )
    return msgspec.structs.replace(tiny, name="small", seed=11, simulation=plan)


@pytest.fixture(scope="session")
def hours(mumbai: Substation) -> tuple[BoundaryHour, ...]:
    """Twelve hours of a grid that was not solved: the tests of the grid solve their own."""
    start = local_midnight(date(2025, 1, 1), mumbai.utc_offset_s)
    return tuple(
        BoundaryHour(
            t=start + 7200 * k + 86400 * k,
            v_pu=1.0 + 0.015 * float(np.sin(k)),
            angle_deg=4.0 + k,
            short_circuit_mva=8500.0 + 100.0 * k,
            r_over_x=0.06,
            load_mw=300.0,
            price_per_mwh=3000.0,
            system_load_mw=5000.0,
            dispatch_cost=1e7,
            congested=k % 2 == 0,
        )
        for k in range(12)
    )


@pytest.fixture(scope="session")
def shared_bench(mumbai: Substation, small_profile: Profile, hours: tuple[BoundaryHour, ...]) -> Bench:
    return Bench.of(mumbai, small_profile, hours)


@pytest.fixture
def bench(shared_bench: Bench) -> Bench:
    """The session's bench with a freshly compiled circuit."""
    shared_bench.engine.compile()
    return shared_bench


@pytest.fixture
def engine(bench: Bench) -> Engine:
    return bench.engine


@pytest.fixture(scope="session")
def scenario() -> Callable[[str, int], ScenarioId]:
    def name(kind: str, index: int) -> ScenarioId:
        return ScenarioId("mumbai", "small", 11, kind, index)

    return name


@pytest.fixture(scope="session")
def rated_loads(mumbai: Substation, shared_bench: Bench) -> np.ndarray:
    """Seventy percent of each feeder's load, evenly on the phases, everything else at rest, VA, shape [l]."""
    s_va = np.zeros(len(shared_bench.engine.loads), dtype=np.complex128)
    for k, feeder in enumerate(mumbai.feeders):
        p = 0.7 * feeder.base_mw * 1e6 / 3.0
        s_va[3 * k : 3 * k + 3] = p * (1.0 + 1j * np.tan(np.arccos(feeder.power_factor)))
    return s_va
