"""Parts of a campaign's states: each from a fresh start, whoever solves it and whatever was before."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from simulation import pool as pools
from simulation.campaign import simulate_substation
from simulation.grid import BoundaryHour
from simulation.pool import Job, Workers, solve_states
from simulation.solving import Bench
from simulation.states import plan
from simulation.states.plan import StatePart, plan_states
from simulation.states.playing import play
from simulation.states.station import Station
from substations.description import Substation
from switchyard.profiles import Profile, States, Thermal, Transfers

LAST = 3 * 96
"""Every quarter of the third day, and every eleventh before."""


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    states = States(stride=11, full_days=1, controls=1, tap_window=1)
    alone = msgspec.structs.replace(
        small_profile.simulation,
        load_days=3,
        episodes={},
        customers=0,
        asset_years=0,
        thermal=Thermal(),
        transfers=Transfers(),
        states=states,
    )
    return msgspec.structs.replace(small_profile, simulation=alone)


@pytest.fixture(scope="module")
def full_day(profile: Profile) -> StatePart:
    """The part of the last day."""
    (part,) = plan_states(profile, "mumbai")
    return StatePart(1, part.quarters[-96:], frozenset())


def test_play__full_day__is_its_quarters_solved_one_by_one(
    shared_bench: Bench, profile: Profile, full_day: StatePart
) -> None:
    _, states, _ = play(shared_bench.world, shared_bench.engine, profile, full_day)

    station = Station(shared_bench.world, shared_bench.engine, profile.name, profile.seed)
    assert len(states) == 96
    for quarter, state in zip(range(2 * 96, LAST), states, strict=True):
        alone = station.solve(quarter)
        assert alone.quarter == state.quarter == quarter
        assert alone.solution == state.solution
        assert alone.solution is not None
        assert max(map(abs, alone.solution.residual_pu)) <= 1e-6


def test_solve__residual__is_that_of_the_engine_s_own_voltages(
    shared_bench: Bench, profile: Profile, full_day: StatePart
) -> None:
    station = Station(shared_bench.world, shared_bench.engine, profile.name, profile.seed)
    engine = shared_bench.engine
    for state in station.states(full_day.quarters[::12]):
        v = np.asarray(engine._dss.YNodeVarray())[None]
        residual = engine.network().residual(v, np.array([engine.emf_v]), state.s_va[None])

        assert state.solution is not None
        assert max(abs(float(part[0])) for part in residual) <= 1e-6
        # The grid's power less what is served, recomputed from voltages, is the loss that was read.
        found = engine.lossy().read()
        assert found.total_w.sum() == pytest.approx(state.solution.losses.total_w)
        assert state.solution.supplied_va.real - state.s_va.real.sum() == pytest.approx(
            found.total_w.sum(), abs=100.0
        )


def test_simulate_substation__states_of_several_parts__same_bytes_whoever_solves_them_and_whenever(
    mumbai: Substation,
    profile: Profile,
    hours: tuple[BoundaryHour, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "PART_DAYS", 1)
    parts = plan_states(profile, "mumbai")
    with Workers(2) as workers:
        first = simulate_substation(mumbai, profile, {"mumbai": hours}, tmp_path / "two", workers)
        before = {path: path.stat().st_mtime_ns for path in first.files}
        lost = first.folder / "losses" / parts[1].file("losses")
        lost.write_bytes(lost.read_bytes()[:100])
        again = simulate_substation(mumbai, profile, {"mumbai": hours}, tmp_path / "two", workers)
    pools._bench.clear()
    job = Job(mumbai, profile, hours)
    # The other way round: the last day first, on an engine that then goes on.
    for part in reversed(parts):
        solve_states(job, part, tmp_path / "one")
    pools._bench.clear()

    assert len(parts) == 3
    assert first.rows["losses"] == sum(len(part.quarters) for part in parts)
    assert again.rows["losses"] == len(parts[1].quarters)
    redone = {path for path in again.files if path.stat().st_mtime_ns != before[path]}
    assert lost in redone
    tables = ("losses", "controls", "compensation")
    assert {path.name for path in redone} <= {parts[1].file(table) for table in tables}
    alone = sorted((tmp_path / "one").rglob("*.parquet"))
    assert sum(path.parent.name == "losses" for path in alone) == 3
    for path in alone:
        assert path.read_bytes() == (first.folder / path.relative_to(tmp_path / "one")).read_bytes()
