"""OpenDSS's harmonic mode against closed forms: one bus behind a Thévenin source, and the station itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulation.engine import ORDERS, Emission, Engine
from simulation.engine.harmonics import HarmonicMode
from simulation.errors import SimulationError
from simulation.sequence import sequence_components

KV, R_OHM, X_OHM = 33.0, 0.5, 5.0
IMPEDANCE = f"[{R_OHM}, {X_OHM}]"
KW, KVAR = 3000.0, 1200.0
LOADS = tuple(f"load.ld_{phase}" for phase in "abc")
ROTATION = np.exp(-2j * np.pi / 3.0 * np.arange(3))


@pytest.fixture
def dss(tmp_path: Path) -> Iterator[Any]:
    """A source with an impedance and one load a phase, solved."""
    from altdss import altdss

    context = altdss.NewContext()
    context.Settings.AllowChangeDir = False
    for command in (
        f'set datapath="{tmp_path}"',
        "clear",
        "set defaultbasefrequency=50",
        f"new circuit.one bus1=bus basekv={KV} pu=1.0 angle=0 phases=3 z1={IMPEDANCE} z0={IMPEDANCE}",
        *(
            f"new {name} bus1=bus.{k} phases=1 conn=wye kv={KV / 3**0.5!r} kw={KW} kvar={KVAR} vminpu=0.7"
            for k, name in enumerate(LOADS, start=1)
        ),
    ):
        context.Command(command)
    yield context
    context.Command("clear")


def solved(context: Any) -> np.ndarray:
    """Fundamental voltages of the bus."""
    context.Command(f"set voltagebases=[{KV}]")
    context.Command("calcvoltagebases")
    context.Command("set controlmode=off tolerance=1e-12 maxiterations=100 mode=snapshot")
    context.Solution.Solve()
    return np.asarray(context.YNodeVarray())


def mode(context: Any) -> HarmonicMode:
    elements = {element.FullName().lower(): element for element in context.Element}
    found = HarmonicMode(context, elements, "vsource.source", LOADS, (("vsource.source", 1),))
    context.Solution.Solve()
    return found


def load_admittance(order: int) -> complex:
    """Half of the load in series, R + jh·X, half in parallel."""
    y = np.conj(complex(KW, KVAR) * 1e3) / (KV * 1e3) ** 2 * 3.0
    z = 1.0 / (0.5 * y)
    return 1.0 / complex(z.real, order * z.imag) + complex(0.5 * y.real, 0.5 * y.imag / order)


def source_admittance(order: int) -> complex:
    return 1.0 / complex(R_OHM, order * X_OHM)


def test_solve__injected_current__gives_the_closed_form_voltage(dss: Any) -> None:
    v1 = solved(dss)
    loads = np.zeros((3, ORDERS), dtype=np.complex128)
    loads[:, 4], loads[:, 6], loads[:, 2] = 0.2 * np.exp(0.7j), 0.1, 0.05j

    v, i = mode(dss).solve(Emission(loads, np.zeros(ORDERS, dtype=np.complex128)))

    i1 = np.conj(complex(KW, KVAR) * 1e3 / v1)
    for order in (3, 5, 7):
        drawn = loads[:, order - 1] * np.abs(i1) * np.exp(1j * order * np.angle(i1))
        expected = -drawn / (source_admittance(order) + load_admittance(order))
        assert np.abs(v[order - 1] - expected).max() < 1e-6 * np.abs(expected).max()
        into_source = expected * source_admittance(order)
        assert np.abs(i[order - 1, 0] - into_source).max() < 1e-6 * np.abs(into_source).max()


def test_solve__background_of_the_source__is_divided_between_source_and_load(dss: Any) -> None:
    solved(dss)
    source = np.zeros(ORDERS, dtype=np.complex128)
    source[4], source[12] = 0.02 * np.exp(1j), 0.01

    v, _ = mode(dss).solve(Emission(np.zeros((3, ORDERS), dtype=np.complex128), source))

    for order in (5, 13):
        emf = source[order - 1] * KV * 1e3 / 3**0.5 * ROTATION**order
        y = source_admittance(order)
        assert np.abs(v[order - 1] - emf * y / (y + load_admittance(order))).max() < 1e-6 * np.abs(emf).max()


def test_solve__orders_without_emission__are_zero_and_the_snapshot_is_as_before(dss: Any) -> None:
    before = solved(dss)
    source = np.zeros(ORDERS, dtype=np.complex128)
    source[6] = 0.01

    v, _ = mode(dss).solve(Emission(np.zeros((3, ORDERS), dtype=np.complex128), source))

    assert set(np.flatnonzero(np.abs(v).max(axis=1))) == {6}
    assert np.abs(np.asarray(dss.YNodeVarray()) - before).max() < 1e-9 * np.abs(before).max()


def test_solve__capacitor_bank__resonates_at_the_root_of_short_circuit_over_bank_power(dss: Any) -> None:
    resonance = 7
    mvar = KV**2 / X_OHM / resonance**2
    dss.Command(f"new capacitor.bank bus1=bus phases=3 kv={KV} kvar={1e3 * mvar!r}")
    # A light load damps little.
    for name in LOADS:
        dss.Command(f"edit {name} kw=30 kvar=10")
    solved(dss)
    loads = np.zeros((3, ORDERS), dtype=np.complex128)
    loads[:, 1:] = 0.1

    v, _ = mode(dss).solve(Emission(loads, np.zeros(ORDERS, dtype=np.complex128)))

    # √(S_sc/Q_c): with equal currents at all orders the voltage is the impedance.
    assert int(np.argmax(np.abs(v[:, 0]))) + 1 == resonance


@pytest.fixture
def balanced(engine: Engine, rated_loads: np.ndarray) -> np.ndarray:
    """Voltages of the station's nodes with one drive on all phases of one feeder, [40, n]."""
    engine.solve(rated_loads[None])
    loads = np.zeros((len(engine.loads), ORDERS), dtype=np.complex128)
    loads[12:15, [2, 4, 6, 10, 12]] = (0.1, 0.2, 0.14, 0.09j, -0.07)
    v, _ = engine.solve_harmonics(Emission(loads, np.zeros(ORDERS, dtype=np.complex128)))
    return v


@pytest.mark.parametrize(("order", "sequence"), [(3, 0), (5, 2), (7, 1), (11, 2), (13, 1)])
def test_solve_harmonics__balanced_load__has_the_sequence_of_its_order(
    engine: Engine, balanced: np.ndarray, order: int, sequence: int
) -> None:
    found = np.abs(sequence_components(balanced[order - 1][engine.layout.bus_nodes("lv1")]))

    assert found[sequence] > 10.0
    assert np.delete(found, sequence).max() < 1e-6 * found[sequence]


def test_solve_harmonics__currents_at_a_transformer__leave_on_the_other_side(
    engine: Engine, rated_loads: np.ndarray, balanced: np.ndarray
) -> None:
    engine.solve(rated_loads[None])
    loads = np.zeros((len(engine.loads), ORDERS), dtype=np.complex128)
    loads[12:15, 4] = 0.2
    _, i = engine.solve_harmonics(Emission(loads, np.zeros(ORDERS, dtype=np.complex128)))

    row = {point.id: k for k, point in enumerate(engine.substation.points)}
    ratio = np.abs(i[4, row["DTX1.LV"]]) / np.abs(i[4, row["DTX1.HV"]])
    assert ratio == pytest.approx(220.0 / 33.0, rel=0.11)
    # What the feeder emits flows back into the busbar: against the direction of its load, and no other's.
    assert np.abs(i[4, row["F331"]]).max() > 3.0 * np.abs(i[4, row["F332"]]).max()


def test_solve_harmonics__twice_the_emission__is_twice_the_voltage(
    engine: Engine, rated_loads: np.ndarray
) -> None:
    rng = np.random.default_rng(1)
    shape = (len(engine.loads), ORDERS)
    loads = 0.01 * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
    source = 0.001 * rng.standard_normal(ORDERS) + 0j
    engine.solve(rated_loads[None])
    once, _ = engine.solve_harmonics(Emission(loads, source))
    twice, _ = engine.solve_harmonics(Emission(2.0 * loads, 2.0 * source))

    # The second begins from a snapshot that is one iteration further.
    assert np.abs(twice - 2.0 * once).max() < 1e-7 * np.abs(twice).max()


def test_solve_harmonics__then_compile__later_snapshots_have_the_same_bits(
    engine: Engine, rated_loads: np.ndarray, balanced: np.ndarray
) -> None:
    engine.compile()
    before = engine.solve(np.stack([rated_loads, 0.8 * rated_loads]))
    engine.solve_harmonics(
        Emission(np.full((len(engine.loads), ORDERS), 0.02 + 0j), np.full(ORDERS, 0.001 + 0j))
    )
    network = engine.network().y.copy()
    engine.compile()

    assert np.array_equal(engine.solve(np.stack([rated_loads, 0.8 * rated_loads])), before)
    assert np.array_equal(engine.network().y, network)


def test_solve_harmonics__nothing_solved__is_refused(engine: Engine) -> None:
    with pytest.raises(SimulationError, match="before their snapshot"):
        engine.solve_harmonics(
            Emission(np.zeros((len(engine.loads), ORDERS), dtype=complex), np.zeros(ORDERS, dtype=complex))
        )
