from pathlib import Path

import numpy as np
import pytest

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.faults.zbus import FaultNetwork, Place, between, bus_place, fault_admittance
from simulation.sequence import sequence_components

A = np.exp(2j * np.pi / 3.0)
TO_SEQUENCE = np.array([[1, 1, 1], [1, A, A**2], [1, A**2, A]]) / 3.0
FAULTS = [("LG", "a"), ("LG", "c"), ("LL", "bc"), ("LLG", "ab"), ("LLL", "abc")]


@pytest.fixture
def ready(engine: Engine, rated_loads: np.ndarray) -> FaultNetwork:
    v = engine.solve(rated_loads[None])[0]
    return FaultNetwork.at(engine.network(), v, rated_loads, engine.emf_v)


def test_at__loads_as_admittances__reproduces_the_solved_voltages(
    engine: Engine, ready: FaultNetwork, rated_loads: np.ndarray
) -> None:
    v = engine.solve(rated_loads[None])[0]

    assert np.abs(ready.v - v).max() / np.abs(v).max() < 1e-9


def sequence_impedances(ready: FaultNetwork, place: Place) -> Complexes:
    return np.diag(TO_SEQUENCE @ ready.driving_point(place) @ np.linalg.inv(TO_SEQUENCE))


@pytest.mark.parametrize("bus", ["hv1", "mv1", "lv1", "f334_end"])
@pytest.mark.parametrize("r_ohm", [0.001, 10.0])
def test_currents__balanced_station__are_those_of_symmetrical_components(
    engine: Engine, ready: FaultNetwork, bus: str, r_ohm: float
) -> None:
    place = bus_place(engine.network(), bus)
    z0, z1, z2 = sequence_impedances(ready, place)
    v1 = sequence_components(place.weights @ ready.v)[1]

    def current(kind: str, phases: str) -> Complexes:
        return ready.currents(place, fault_admittance(kind, phases, np.array([r_ohm])))[0]

    # Textbook closed forms for phase a to earth, b to c, and three phases.
    assert current("LG", "a")[0] == pytest.approx(3.0 * v1 / (z0 + z1 + z2 + 3.0 * r_ohm), rel=1e-6)
    assert current("LL", "bc")[1] == pytest.approx(-1j * np.sqrt(3.0) * v1 / (z1 + z2 + r_ohm), rel=1e-6)
    assert current("LLL", "abc")[0] == pytest.approx(v1 / (z1 + r_ohm), rel=1e-6)


def fault_object(engine: Engine, bus: str, kind: str, phases: str, r_ohm: float) -> None:
    """Let OpenDSS itself have the fault; its loads become constant impedances at the voltage before."""
    number = {"a": 1, "b": 2, "c": 3}
    nodes = [number[phase] for phase in phases]
    if kind == "LL":
        text = f"new fault.x phases=1 bus1={bus}.{nodes[0]} bus2={bus}.{nodes[1]} r={r_ohm}"
    else:
        text = f"new fault.x phases={len(nodes)} bus1={bus}.{'.'.join(map(str, nodes))} r={r_ohm}"
    engine._dss.Command(text)


def freeze_loads(engine: Engine, v: Complexes, s_va: Complexes) -> None:
    u = np.abs(engine.layout.across(v))
    for k, name in enumerate(engine.loads):
        load = engine._elements[name]
        ratio = (engine.layout.load_base_v[k] / u[k]) ** 2
        kva = complex(s_va[k] * ratio / 1e3)
        engine._dss.Command(
            f"edit {name} model=2 kw={kva.real!r} kvar={kva.imag!r} vminpu=0.0 vmaxpu=3.0 vlowpu=0.0"
        )
        assert load.Model == 2


@pytest.mark.parametrize("bus", ["hv1", "mv2", "lv1", "f224_end", "f334_end"])
@pytest.mark.parametrize(("kind", "phases"), FAULTS)
def test_voltages__fault_at_a_bus__are_those_of_opendss_fault_objects(
    engine: Engine, ready: FaultNetwork, rated_loads: np.ndarray, bus: str, kind: str, phases: str
) -> None:
    r_ohm = 2.5
    place = bus_place(engine.network(), bus)
    i_fault = ready.currents(place, fault_admittance(kind, phases, np.array([r_ohm])))
    found = ready.voltages(place, i_fault)[0]

    freeze_loads(engine, ready.v, rated_loads)
    fault_object(engine, bus, kind, phases, r_ohm)
    engine._dss.Solution.Solve()

    expected = engine._dss.YNodeVarray()
    assert np.abs(found - expected).max() / np.abs(ready.v).max() < 1e-6
    stated = np.abs(np.asarray(engine._dss.Fault["x"].Currents())[: len(phases) if kind != "LL" else 1])
    struck = [p in phases for p in "abc"]
    assert np.abs(i_fault[0])[struck][: stated.size] == pytest.approx(stated, rel=1e-5)


def test_voltages__fault_within_a_line__are_those_of_a_line_cut_in_two(
    engine: Engine, ready: FaultNetwork, rated_loads: np.ndarray, tmp_path: Path
) -> None:
    """The same station with its longest 33 kV line cut at 40 %: charging is left at the whole line's ends."""
    fraction, r_ohm = 0.4, 5.0
    network = engine.network()
    place = between(
        bus_place(network, "lv2"),
        bus_place(network, "f334_end"),
        engine.series_impedance("line.f334"),
        fraction,
    )
    i_fault = ready.currents(place, fault_admittance("LG", "b", np.array([r_ohm])))
    found = ready.voltages(place, i_fault)[0]

    dss, line = engine._dss, engine._elements["line.f334"]
    r, x = np.asarray(line.RMatrix).reshape(3, 3), np.asarray(line.XMatrix).reshape(3, 3)
    c = np.asarray(line.CMatrix).reshape(3, 3)
    length = float(line.Length)

    def matrix(values: np.ndarray) -> str:
        return "[" + " | ".join(" ".join(repr(float(v)) for v in row) for row in values) + "]"

    freeze_loads(engine, ready.v, rated_loads)
    nothing = matrix(np.zeros((3, 3)))
    for name, ends, share in (
        ("near", ("lv2", "cut"), fraction),
        ("far", ("cut", "f334_end"), 1.0 - fraction),
    ):
        dss.Command(
            f"new line.{name} bus1={ends[0]} bus2={ends[1]} phases=3 rmatrix={matrix(r)} xmatrix={matrix(x)} "
            f"cmatrix={nothing} length={length * share!r} units=km"
        )
    # Half of the whole line's charging at each of its ends.
    for name, bus in (("one", "lv2"), ("other", "f334_end")):
        dss.Command(
            f"new line.charge_{name} bus1={bus} bus2=hang_{name} phases=3 rmatrix={matrix(1e-6 * np.eye(3))} "
            f"xmatrix={matrix(1e-6 * np.eye(3))} cmatrix={matrix(c / 2.0)} length={length!r} units=km"
        )
    engine.switch("line.f334", on=False)
    fault_object(engine, "cut", "LG", "b", r_ohm)
    dss.Solution.Solve()

    order = [name.lower() for name in dss.YNodeOrder()]
    expected = np.asarray(dss.YNodeVarray())[[order.index(name) for name in engine.layout.nodes]]
    assert np.abs(found - expected).max() / np.abs(ready.v).max() < 1e-5


def test_voltages__earth_fault_at_a_feeders_end__lifts_the_healthy_phases(
    engine: Engine, ready: FaultNetwork
) -> None:
    network = engine.network()
    place = bus_place(network, "f334_end")
    v = ready.voltages(place, ready.currents(place, fault_admittance("LG", "a", np.array([1.0]))))[0]

    nodes = network.layout.bus_nodes("f334_end")
    ratio = np.abs(v[nodes]) / np.abs(ready.v[nodes])
    assert ratio[0] < 0.2
    assert ratio[1:].max() > 1.1


def test_currents__many_resistances__fall_with_each(engine: Engine, ready: FaultNetwork) -> None:
    place = bus_place(engine.network(), "mv1")

    i = ready.currents(place, fault_admittance("LG", "b", np.geomspace(1e-3, 50.0, 30)))

    assert i.shape == (30, 3)
    assert np.all(np.diff(np.abs(i[:, 1])) < 0.0)
    assert np.abs(i[:, [0, 2]]).max() == 0.0


def test_at__busbar_without_supply__stays_dead(engine: Engine, rated_loads: np.ndarray) -> None:
    engine.switch("transformer.dtx1", on=False)
    v = engine.solve(rated_loads[None])[0]

    ready = FaultNetwork.at(engine.network(), v, rated_loads, engine.emf_v)

    assert np.abs(ready.v[engine.network().layout.bus_nodes("lv1")]).max() < 1e-3
