"""Following a station from quarter to quarter against settling each of them."""

from itertools import pairwise

import numpy as np
import pytest

from simulation.engine import Engine
from simulation.errors import InfeasibleError
from simulation.grid import BoundaryHour
from simulation.scenario.regulation import Guess, settle
from simulation.scenario.world import World
from simulation.sequence import sequence_components
from simulation.solving import Bench
from simulation.states.day import powers
from simulation.states.following import NEAR_PU, Following
from simulation.states.watch import Watch


def quarters(world: World, count: int) -> list[tuple[BoundaryHour, np.ndarray]]:
    """System hours and powers of the first quarters of the load."""
    even, loads = np.ones((len(world.substation.feeders), 3)), len(world.substation.traction) + 3
    return [
        (world.hour_like(int(world.loads.t[k])), powers(world.loads, k, even, even.size + loads))
        for k in range(count)
    ]


def stands(following: Following, v: np.ndarray, offsets_pu: np.ndarray) -> bool:
    """Whether nothing would move."""
    here = following.guess.positions
    asked = following.watch.wanted(following.engine, here, v, offsets_pu)
    return bool(following.watch.at_rest(here, asked).all())


@pytest.fixture
def calm(bench: Bench) -> np.ndarray:
    return np.zeros(len(bench.world.regulators.groups))


@pytest.fixture
def begun(bench: Bench) -> Following:
    return Following.of(bench.engine, bench.world.regulators, bench.world.guesses.fallback)


def test_solve__a_day__holds_the_hour_s_voltage_and_leaves_nothing_that_would_move(
    bench: Bench, begun: Following, calm: np.ndarray
) -> None:
    engine, world = bench.engine, bench.world
    nodes = engine.layout.bus_nodes(engine.source_bus)
    seen = set()
    for hour, s_va in quarters(world, 96):
        v = begun.solve(hour, s_va, calm)

        seen.add(begun.guess.positions)
        at_bus = complex(sequence_components(v[0, nodes])[1]) / float(engine.layout.base_v[nodes[0]])
        assert abs(at_bus - hour.v_pu * np.exp(1j * np.radians(hour.angle_deg))) < 2.0 * NEAR_PU
        residual = engine.network().residual(v, np.array([engine.emf_v]), s_va[None])
        assert max(abs(float(part[0])) for part in residual) <= 1e-6
        assert stands(begun, v, calm)
    assert len(seen) > 1


def test_solve__each_quarter__stands_where_settling_from_the_same_guess_would_stand(
    bench: Bench, begun: Following, calm: np.ndarray
) -> None:
    engine, world = bench.engine, bench.world
    for hour, s_va in quarters(world, 60)[::6]:
        before = begun.guess
        settled = settle(engine, world.regulators, hour, s_va, offsets_pu=calm, guess=before)
        expected = Guess(settled.positions, settled.extra_va)

        begun.solve(hour, s_va, calm)

        assert begun.guess.positions == expected.positions
        # Internal voltages that differ by NEAR_PU shift the losses and the charging by twice that share.
        assert begun.guess.extra_va == pytest.approx(expected.extra_va, rel=0.01)


def test_solve__load_grows_slowly__takes_one_power_flow_unless_something_moves(
    bench: Bench, begun: Following, calm: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hour, s_va), *_ = quarters(bench.world, 1)
    begun.solve(hour, s_va, calm)
    solve, calls, places = Engine.solve, [], [begun.guess.positions]

    def counted(self: Engine, rows: np.ndarray) -> np.ndarray:
        calls.append(1)
        return solve(self, rows)

    monkeypatch.setattr(Engine, "solve", counted)
    for factor in np.linspace(1.0, 1.02, 20):
        begun.solve(hour, factor * s_va, calm)
        places.append(begun.guess.positions)

    moves = sum(one != other for one, other in pairwise(places))
    assert len(calls) <= 20 + 2 * moves


def test_solve__offsets_that_no_tap_can_meet__ends_at_the_last_position(
    bench: Bench, begun: Following, calm: np.ndarray
) -> None:
    hour, s_va = quarters(bench.world, 1)[0]

    begun.solve(hour, s_va, calm - 0.5)

    assert begun.guess.positions.taps == tuple(int(steps) for steps in begun.watch.taps)


def test_solve__regulators_that_never_rest__is_infeasible(
    bench: Bench, begun: Following, calm: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, s_va = quarters(bench.world, 1)[0]
    monkeypatch.setattr(Watch, "at_rest", lambda *_: np.array([False]))

    with pytest.raises(InfeasibleError, match="come to rest"):
        begun.solve(hour, s_va, calm)


def test_series__a_day_of_one_hour__has_every_state_balanced_and_at_rest(
    bench: Bench, begun: Following, calm: np.ndarray
) -> None:
    engine, rows = bench.engine, quarters(bench.world, 96)
    hour, s_va = rows[0][0], np.stack([row[1] for row in rows])
    done, places = 0, set()
    for v in begun.series(hour, s_va, calm):
        block = s_va[done : done + v.shape[0]]
        done += v.shape[0]
        places.add(begun.guess.positions)
        residual = engine.network().residual(v, np.full(v.shape[0], engine.emf_v), block)
        assert max(np.abs(part).max() for part in residual) <= 1e-6
        assert stands(begun, v, calm)

    assert done == 96
    assert len(places) > 1
