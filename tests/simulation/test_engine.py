from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import substations
from simulation.engine import Engine, Network, Source
from simulation.engine.network import BASE_VA
from simulation.errors import NotConvergedError, SimulationError
from substations.description import Substation


def mismatch_by_elements(engine: Engine) -> np.ndarray:
    """Power that does not balance at each node, from the currents that OpenDSS has for its elements, pu."""
    size = len(engine.layout.nodes)
    total = np.zeros(size + 1, dtype=np.complex128)
    for element in engine._elements.values():
        nodes = np.asarray(element.NodeRef(), dtype=np.int64) - 1
        np.add.at(total, np.where(nodes < 0, size, nodes), np.asarray(element.Currents()))
    return engine._dss.YNodeVarray() * np.conj(total[:size]) / BASE_VA


def residuals(engine: Engine, s_va: np.ndarray) -> np.ndarray:
    v = engine.solve(s_va[None])
    return np.abs(engine.network().residual(v, np.array([engine.emf_v]), s_va[None])).ravel()


def line_of(engine: Engine, feeder: int) -> str:
    return str(engine.substation.feeders[feeder].line)


CHANGES: dict[str, Callable[[Engine], None]] = {
    "as in the file": lambda engine: None,
    "stronger grid": lambda engine: engine.set_source(Source(1.02 * np.exp(0.2j), 0.5 + 9.0j)),
    "tap": lambda engine: engine.set_tap("AT1", 5),
    "banks off": lambda engine: engine.set_steps("C1", 0),
    "blown fuse": lambda engine: engine.set_steps("C1", 2, blown="b"),
    "failing joint": lambda engine: engine.set_series_resistance(line_of(engine, -1), 0, 25.0),
    "open conductor": lambda engine: engine.set_open(line_of(engine, -1), 1, is_open=True),
    "feeder off": lambda engine: engine.switch(line_of(engine, 0), on=False),
    "transformer off": lambda engine: engine.switch("transformer.at2", on=False),
    "coupler closed": lambda engine: engine.switch("line.bc33", on=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_solve__any_state__balances_at_every_node(
    engine: Engine, rated_loads: np.ndarray, change: Callable[[Engine], None]
) -> None:
    change(engine)

    assert residuals(engine, rated_loads).max() < 1e-6
    # The same from what OpenDSS itself says of every element, loads included.
    assert np.abs(mismatch_by_elements(engine)).max() < 1e-6


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_network__any_state__gives_the_points_the_currents_that_opendss_states(
    engine: Engine, rated_loads: np.ndarray, change: Callable[[Engine], None]
) -> None:
    change(engine)
    v = engine.solve(rated_loads[None])

    found = engine.network().point_currents(v, np.array([engine.emf_v]))[0]

    for k, point in enumerate(engine.substation.points):
        element = engine._elements[point.element]
        first = (point.terminal - 1) * element.NumConductors()
        assert found[k] == pytest.approx(np.asarray(element.Currents())[first : first + 3], abs=1e-3), (
            point.id
        )


def test_network__sum_of_elements__is_opendss_system_matrix(engine: Engine, rated_loads: np.ndarray) -> None:
    engine.solve(rated_loads[None])

    system = engine._dss.SystemY().toarray()
    for name in engine.loads:
        nodes = np.asarray(engine._elements[name].NodeRef()) - 1
        prim = np.asarray(engine._elements[name].YPrim()).reshape(nodes.size, nodes.size)
        kept = nodes >= 0
        system[np.ix_(nodes[kept], nodes[kept])] -= prim[np.ix_(kept, kept)]
    assert np.abs(engine.network().y - system).max() < 1e-9


@pytest.mark.parametrize("v_pu", [0.3, 0.6, 0.9, 1.2, 1.45])
def test_load_currents__any_voltage__are_those_of_opendss(
    engine: Engine, rated_loads: np.ndarray, v_pu: float
) -> None:
    engine.set_source(Source(v_pu, engine.z1_ohm))
    v = engine.solve(rated_loads[None])

    found = engine.network().load_currents(v, rated_loads[None])[0]

    for k, name in enumerate(engine.loads[: 3 * len(engine.substation.feeders)]):
        assert found[k] == pytest.approx(np.asarray(engine._elements[name].Currents())[0], rel=1e-5), name


def test_power__feeder__arrives_less_what_its_line_loses(engine: Engine, rated_loads: np.ndarray) -> None:
    v = engine.solve(rated_loads[None])
    network = engine.network()
    s = (network.point_voltages(v) * np.conj(network.point_currents(v, np.array([engine.emf_v]))))[0].sum(
        axis=-1
    )
    names = [point.id for point in engine.substation.points]

    sent, arrived = s[names.index("F334")], s[names.index("F334.END")]

    row = 3 * [feeder.id for feeder in engine.substation.feeders].index("F334")
    assert -arrived == pytest.approx(rated_loads[row : row + 3].sum(), rel=1e-6)
    assert 0.0 < sent.real + arrived.real < 0.05 * sent.real


def test_switching__back_and_forth__keeps_nodes_and_solution(engine: Engine, rated_loads: np.ndarray) -> None:
    before = engine.solve(rated_loads[None])
    for name in (line_of(engine, 0), "transformer.dtx1", "line.inf1"):
        engine.switch(name, on=False)
        engine.solve(rated_loads[None])
        engine.switch(name, on=True)
    engine.set_open(line_of(engine, 2), 0, is_open=True)
    engine.set_open(line_of(engine, 2), 0, is_open=False)
    engine.set_series_resistance(line_of(engine, 2), 0, 30.0)
    engine.set_series_resistance(line_of(engine, 2), 0, 0.0)

    after = engine.solve(rated_loads[None])

    assert tuple(name.lower() for name in engine._dss.YNodeOrder()) == engine.layout.nodes
    assert np.abs(after - before).max() < 1e-3


def test_compile__same_file__gives_the_same_bits(engine: Engine, rated_loads: np.ndarray) -> None:
    s_va = rated_loads * (1.0 + 0.01 * np.arange(5))[:, None]
    first = engine.solve(s_va)
    engine.set_tap("AT1", 3)
    engine.solve(s_va)

    engine.compile()

    assert np.array_equal(engine.solve(s_va), first)


def test_network__before_a_solution__is_refused(engine: Engine) -> None:
    engine.set_tap("AT1", 4)

    with pytest.raises(SimulationError, match="before it was solved"):
        engine.network()


def test_solve__hopeless_load__is_not_converged(engine: Engine, rated_loads: np.ndarray) -> None:
    engine.set_series_resistance(line_of(engine, 0), 0, 150.0)

    with pytest.raises(NotConvergedError, match="no power-flow solution"):
        engine.solve(8.0 * rated_loads[None])


def test_set_tap__transformer_without_one__is_refused(mumbai: Substation, engine: Engine) -> None:
    with pytest.raises(substations.SubstationError, match="AT9"):
        engine.set_tap("AT9", 3)


def test_engines__two_at_once__do_not_disturb_each_other(engine: Engine, rated_loads: np.ndarray) -> None:
    before = engine.solve(rated_loads[None])

    other = Engine(substations.read("delhi"))
    other.solve(np.zeros((1, len(other.loads)), dtype=np.complex128))

    assert np.array_equal(engine.solve(rated_loads[None]).shape, before.shape)
    assert np.abs(engine.solve(rated_loads[None]) - before).max() < 1e-3
    assert isinstance(other.network(), Network)


def test_compile__circuit_with_a_mistake__names_the_file(tmp_path: Path, mumbai: Substation) -> None:
    import msgspec

    text = mumbai.circuit_file.read_text(encoding="utf-8").replace("linecode=wolf_33", "linecode=woolf_33", 1)
    (tmp_path / "circuit.dss").write_text(text, encoding="utf-8")

    with pytest.raises(SimulationError, match=str(tmp_path)):
        Engine(msgspec.structs.replace(mumbai, folder=tmp_path))
