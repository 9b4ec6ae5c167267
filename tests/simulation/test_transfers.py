"""Moving feeders and traction supplies: against fresh solutions, closed forms and brute force."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES
from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError, SimulationError
from simulation.sequence import sequence_components, sequence_impedances, unbalance_pct
from simulation.solving import Bench
from simulation.tables.transfers import LASTING_H, OPERATION_COST, moves_text, write_transfers
from simulation.transfers import solving
from simulation.transfers.arrangement import Arrangement, Movable, apply, around, as_described
from simulation.transfers.balance import Balance
from simulation.transfers.outcome import Transfers
from simulation.transfers.situation import metered, situations
from simulation.transfers.solving import NO_SOLUTION, Yard
from simulation.transfers.transformers import Transformers, deviation_pct
from substations.description import Substation
from switchyard.profiles import Profile
from switchyard.profiles import Transfers as Sizes


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(small_profile.simulation, transfers=Sizes(states=4))
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def yard(shared_bench: Bench) -> Yard:
    return Yard(shared_bench.world, shared_bench.engine)


@pytest.fixture(scope="module")
def played(yard: Yard, profile: Profile) -> tuple[Transfers, ...]:
    return yard.play(profile)


@pytest.fixture
def loaded(mumbai: Substation, rated_loads: np.ndarray) -> np.ndarray:
    """Seventy percent of the feeders' load, and half of the traction."""
    s_va = rated_loads.copy()
    first = 3 * len(mumbai.feeders)
    for k, supply in enumerate(mumbai.traction):
        s_va[first + k] = 0.5e6 * supply.rated_mw * (1.0 + 0.5j)
    return s_va


def test_move__there_and_back__gives_the_same_solution(engine: Engine, loaded: np.ndarray) -> None:
    before = engine.solve(loaded[None])[0]

    engine.move("line.f331", "lv2")
    engine.turn("load.tr1", (0, 1))
    away = engine.solve(loaded[None])[0]
    engine.move("line.f331", "lv1")
    engine.turn("load.tr1", (1, 2))
    back = engine.solve(loaded[None])[0]

    assert np.abs(away - before).max() > 100.0
    assert np.abs((back - before) / engine.layout.base_v).max() < 1e-9


def test_move__feeder_on_the_other_section__network_and_point_go_with_it(
    engine: Engine, mumbai: Substation, loaded: np.ndarray
) -> None:
    described = engine.layout
    engine.solve(loaded[None])

    engine.move("line.f331", "lv2")
    engine.turn("load.tr2", (2, 0))
    v = engine.solve(loaded[None])
    network = engine.network()

    residual = network.residual(v, np.array([engine.emf_v]), loaded[None])
    assert np.abs(residual).max() < 1e-6
    row = [point.id for point in mumbai.points].index("F331")
    assert network.point_voltages(v)[0, row] == pytest.approx(v[0, engine.layout.bus_nodes("lv2")])
    i = network.point_currents(v, np.array([engine.emf_v]))[0, row]
    drawn = float((v[0, engine.layout.bus_nodes("lv2")] * i.conj()).sum().real)
    assert drawn == pytest.approx(loaded[12:15].real.sum(), rel=0.02)
    engine.compile()
    assert engine.layout is described


def test_solve__order_of_the_nodes_changed__is_refused(
    engine: Engine, loaded: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_nodes", engine.layout.nodes[::-1])
    engine.move("line.f331", "lv2")

    with pytest.raises(SimulationError, match="order of the nodes"):
        engine.solve(loaded[None])


@pytest.mark.parametrize("name", ["delhi", "bangalore", "chennai"])
def test_move__other_shipped_substation__keeps_its_nodes_and_balances(name: str) -> None:
    substation = substations.read(name)
    engine, movable = Engine(substation), Movable.of(substation)
    s_va = np.zeros(len(engine.loads), dtype=np.complex128)
    for k, feeder in enumerate(substation.feeders):
        s_va[3 * k : 3 * k + 3] = 0.2e6 * feeder.base_mw * (1.0 + 0.3j)
    here = as_described(movable)
    there = Arrangement(tuple(buses[1] for buses in movable.buses), ("ab",) * len(movable.supplies))
    s_va[3 * len(substation.feeders) :][: len(movable.supplies)] = 2e6
    engine.solve(s_va[None])
    balance = Balance.of(engine, movable, here)

    apply(engine, movable, here, there)
    v = engine.solve(s_va[None])

    assert np.abs(balance.residual(v, s_va, (there,))).max() < 1e-6
    assert np.abs(engine.network().residual(v, np.array([engine.emf_v]), s_va[None])).max() < 1e-6


def test_turn__small_supply_alone__unbalance_is_its_power_over_the_short_circuit_power(
    engine: Engine, mumbai: Substation
) -> None:
    s_va = np.zeros(len(engine.loads), dtype=np.complex128)
    s_va[3 * len(mumbai.feeders) + 1] = 0.5e6
    for bank in mumbai.capacitors:
        engine.set_steps(bank.id, 0)
    nodes = engine.layout.bus_nodes("f334_end")
    phasors = []
    for phases in ((0, 1), (1, 2), (2, 0)):
        engine.turn("load.tr2", phases)
        v = engine.solve(s_va[None])[0]
        phasors.append(v[nodes])
    z = np.linalg.inv(engine.network().y)[np.ix_(nodes, nodes)]
    z1 = abs(sequence_impedances(z)[1])
    volts = abs(sequence_components(phasors[0])[1])

    vuf = unbalance_pct(np.array(phasors))

    # V2 = I2·Z2 with I2 = S/(3·V1): V2/V1 = S·Z/(3·V1²) = S/S_sc (IEC 61000-3-13, from common knowledge).
    assert vuf == pytest.approx(100.0 * 0.5e6 * z1 / (3.0 * volts**2), rel=0.03)
    turns = np.angle([sequence_components(each)[2] / sequence_components(each)[1] for each in phasors])
    assert np.abs(np.exp(1j * np.diff(turns)) - np.exp(2j * np.pi / 3)).max() < 0.05


def test_deviation_pct__two_loads__is_half_of_their_difference_over_the_mean() -> None:
    assert deviation_pct(np.array([[60.0, 20.0], [30.0, 30.0]])) == pytest.approx([50.0, 0.0])


def test_around__two_moves__is_what_brute_force_finds(mumbai: Substation) -> None:
    movable = Movable.of(mumbai)
    present = Arrangement(("lv2", "lv1", "lv2", "lv1"), ("ab", "bc"))

    found = list(around(movable, present, 2, (True, False)))

    everything = [
        Arrangement(buses, (pair, "bc")) for buses in product(*movable.buses) for pair in ("ab", "bc", "ca")
    ]
    expected = {each for each in everything if each.feeders_moved(present) <= 2}
    assert found[0] == present
    assert len(found) == len(set(found)) == 33
    assert set(found) == expected


def test_operations__feeder_and_supply__counts_coupler_once() -> None:
    present = Arrangement(("lv1", "lv1", "lv2"), ("ab",))

    assert present.operations(present) == 0
    assert Arrangement(("lv2", "lv1", "lv2"), ("ab",)).operations(present) == 4
    assert Arrangement(("lv2", "lv2", "lv2"), ("bc",)).operations(present) == 10


def test_moves_text__feeder_and_supply__names_both(mumbai: Substation) -> None:
    movable = Movable.of(mumbai)
    here = as_described(movable)
    there = Arrangement(("lv2", *here.buses[1:]), (here.pairs[0], "ca"))

    assert moves_text(movable, here, there) == "F331:lv1>lv2,TR2:ab>ca"


def test_situations__drawn__stay_within_their_bays_and_differ(
    shared_bench: Bench, yard: Yard, profile: Profile
) -> None:
    plan = msgspec.structs.replace(profile.simulation, transfers=Sizes(states=30))

    drawn = situations(shared_bench.world, yard.movable, msgspec.structs.replace(profile, simulation=plan))

    substation = shared_bench.world.substation
    assert len({each.present for each in drawn}) > 10
    assert 0.6 < np.mean([runs for each in drawn for runs in each.running]) < 0.95
    for each in drawn:
        for k, feeder in enumerate(substation.feeders):
            point = substation.point(feeder.point)
            power = abs(each.s_va[3 * k : 3 * k + 3].sum())
            assert not yard.movable.has(feeder) or power <= 0.86 * np.sqrt(3.0) * 33e3 * point.rated_a


def test_solve__every_arrangement__balances_and_serves_the_same_power(
    yard: Yard, played: tuple[Transfers, ...]
) -> None:
    for each in played:
        running = sum(each.situation.running)
        assert len(each.arrangements) == 11 * 3**running
        assert set(each.reason) == {""}
        assert np.abs(each.residual_pu).max() <= 1e-6
        assert each.arrangements[0] == each.situation.present
        assert np.all(each.loss_w > 0.0)
        # Losses differ by what moves, not by what is served.
        assert np.ptp(each.loss_w) < 0.02 * each.situation.served_w


def test_solve__best_arrangement__is_what_a_fresh_engine_finds_and_no_other_is_better(
    yard: Yard, played: tuple[Transfers, ...]
) -> None:
    found = played[0]
    imbalance = yard.transformers.imbalance_pct(found.phases_pct)
    best = int(np.argmin(imbalance))
    engine, situation = yard.engine, found.situation
    checked = [best, *range(0, len(found.arrangements), 7)]

    again = []
    for k in checked:
        assert found.source is not None
        assert found.positions is not None
        yard.resume(found.source, found.positions, found.arrangements[k])
        v = engine.solve(situation.s_va[None])
        phases = Transformers.of(engine).loads(v)[1]
        again.append(float(yard.transformers.imbalance_pct(phases)[0]))
        losses = engine.lossy().read()
        assert losses.total_w.sum() == pytest.approx(found.loss_w[k], abs=20.0)
        places = [engine.lossy().place(each.element) for each in yard.world.substation.transformers]
        loading = 100.0 * losses.apparent_va[places] / yard.transformers.rated_va
        assert loading == pytest.approx(found.loading_pct[k], rel=1e-6)

    assert again == pytest.approx(imbalance[checked], rel=1e-6)
    assert min(again) == again[0]
    assert again[0] < 0.8 * imbalance[0]


def test_balance__moved_feeder_and_supply__agrees_with_the_network_built_anew(
    yard: Yard, played: tuple[Transfers, ...]
) -> None:
    found = next(each for each in played if all(each.situation.running))
    engine, situation = yard.engine, found.situation
    assert found.source is not None
    assert found.positions is not None
    yard.resume(found.source, found.positions, situation.present)
    engine.solve(situation.s_va[None])
    balance = Balance.of(engine, yard.movable, situation.present)
    apply(engine, yard.movable, situation.present, found.arrangements[-1])
    v = engine.solve(situation.s_va[None])
    # A solution that is off by a millionth does not balance.
    v *= 1.0 + 1e-6 * np.cos(np.arange(v.shape[1]))

    here = balance.residual(v, situation.s_va, found.arrangements[-1:])
    there = engine.network().residual(v, np.array([engine.emf_v]), situation.s_va[None])

    assert np.abs(there).max() > 1e-5
    assert np.array(here) == pytest.approx(np.array(there), abs=1e-9)


def test_solve__settled_state__present_readings_are_within_the_classes(
    shared_bench: Bench, played: tuple[Transfers, ...]
) -> None:
    points = [point.id for point in shared_bench.world.substation.points]
    for each in played:
        # What the lower transformers bring in is what the feeders of their sections take out.
        s = {name: each.metered_va[k].sum() for k, name in enumerate(points)}
        brought = -(s["DTX1.LV"] + s["DTX2.LV"]).real
        taken = sum(s[name].real for name in ("F331", "F332", "F333", "F334"))
        assert brought == pytest.approx(taken, rel=0.01)
        assert brought != taken
        assert np.all(np.abs(each.metered_v) > 1e4)


def test_metered__many_draws__have_the_deviation_of_the_class(shared_bench: Bench) -> None:
    world, rng = shared_bench.world, np.random.default_rng(1)
    points = world.substation.points
    v = np.full((len(points), 3), 1e5 + 0j)
    i = np.array([[point.rated_a] * 3 for point in points], dtype=np.complex128)

    drawn = np.array([metered(rng, world, v, i) for _ in range(300)])

    classes = np.array([(point.vt_class, point.ct_class) for point in points])
    error = 100.0 * (np.abs(drawn) / np.abs(np.array([v, i])) - 1.0)
    sigma = error.std(axis=0).mean(axis=2).T
    assert sigma == pytest.approx(0.45 * classes, rel=0.1)


def test_solve__one_without_solution__is_kept_and_the_others_are_as_before(
    yard: Yard, played: tuple[Transfers, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = played[1]
    solve, calls = Engine.solve, []

    def counted(self: Engine, s_va: np.ndarray) -> np.ndarray:
        calls.append(self)
        return solve(self, s_va)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "solve", counted)
        yard.solve(before.situation, 2)
    # The fifth from the end.
    lost = len(calls) - 4

    def but_one(self: Engine, s_va: np.ndarray) -> np.ndarray:
        calls.append(self)
        if len(calls) == lost:
            raise NotConvergedError("no power-flow solution")
        return solve(self, s_va)

    calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "solve", but_one)
        found = yard.solve(before.situation, 2)

    gone = [k for k, reason in enumerate(found.reason) if reason == NO_SOLUTION]
    assert len(gone) == 1
    assert np.isnan(found.vuf_pct[gone]).all()
    rest = np.arange(len(found.arrangements)) != gone[0]
    assert found.loss_w[rest] == pytest.approx(before.loss_w[rest], abs=10.0)
    assert found.phases_pct[rest] == pytest.approx(before.phases_pct[rest], rel=1e-6)


def test_write_transfers__solved_lost_and_restless__keeps_the_contract_and_the_bytes(
    yard: Yard, played: tuple[Transfers, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def restless(*_: object, **__: object) -> None:
        raise InfeasibleError("the regulators chase each other", "widen the dead bands")

    with monkeypatch.context() as patched:
        patched.setattr(solving, "settle", restless)
        lost = yard.solve(played[0].situation, 2)
    first, again = tmp_path / "one" / "transfers.parquet", tmp_path / "two" / "transfers.parquet"

    rows = write_transfers(first, yard, (lost, *played[1:]))
    write_transfers(again, yard, (lost, *(yard.solve(each.situation, 2) for each in played[1:])))

    facts = SubstationFacts.of(yard.world.substation)
    assert inspect(TABLES["transfers"], first, facts).counts() == {}
    assert first.read_bytes() == again.read_bytes()
    table = pq.read_table(first).to_pydict()
    assert rows == 1 + sum(len(each.arrangements) for each in played[1:])
    assert (table["status"][0], table["reason"][0]) == ("unsolved", "the regulators chase each other")
    assert table["p_metered_w"][0] is None
    assert len(table["p_metered_w"][1]) == 3 * len(yard.world.substation.points)
    assert table["p_metered_w"][2] is None
    assert table["reduction_pct"][1] == 0.0
    expected = OPERATION_COST * table["operations"][5]
    expected += LASTING_H * 1e-6 * table["loss_w"][5] * table["price_per_mwh"][5]
    assert table["cost"][5] == pytest.approx(expected)
    assert max(each for each in table["reduction_pct"] if each is not None) > 30.0


def test_write_transfers__no_situation__writes_an_empty_table(yard: Yard, tmp_path: Path) -> None:
    assert write_transfers(tmp_path / "transfers.parquet", yard, ()) == 0
