"""The power balance of stored solutions, recomputed from the written file.

`readings_truth` holds magnitudes, tap positions and capacitor steps. Angles, the voltages at the far ends of
220 kV feeders and of unloaded tertiaries, and the true powers are in no file; they are those of the scenario
that the row names, played again by its identifier. Everything else is the file's, so that a voltage that was
rounded, averaged or put beside the wrong point would leave a residual.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.parts import Part
from simulation.scenario.stage import Stage
from simulation.solving import Bench

GATE_PU = 1e-6
BASE_VA = 100e6
SECONDS = 20
BUSBARS = {"grid", "hv1", "hv2", "mv1", "mv2", "lv1", "lv2"}


@pytest.fixture(scope="module")
def part() -> Part:
    return Part("mumbai", "small", 11, "normal", 0, 0, 3, SECONDS)


@pytest.fixture(scope="module")
def stored(shared_bench: Bench, part: Part, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    folder = tmp_path_factory.mktemp("normal")
    shared_bench.solve(part, folder)
    return pq.read_table(folder / "readings_truth" / part.file, partitioning=None)


def settings(text: str) -> dict[str, int]:
    """`AT1:9,C1:2` as a dictionary."""
    return {name: int(number) for name, number in (each.split(":") for each in text.split(","))}


def balance(engine: Engine, v: Complexes, s_va: Complexes) -> Complexes:
    """Power that does not balance at each node, pu on 100 MVA, by OpenDSS's own matrix of each element."""
    size = v.size
    drawn = np.zeros(size + 1, dtype=np.complex128)
    at = np.append(v, 0.0)
    for name, element in engine._elements.items():
        if name in engine.out_of_service:
            continue
        nodes = np.asarray(element.NodeRef(), dtype=np.int64) - 1
        nodes = np.where(nodes < 0, size, nodes)
        if name.startswith("load."):
            s = s_va[engine.loads.index(name)]
            if s != 0.0:
                # Constant power, and whatever leaves one end comes back at the other.
                i = np.conj(s / (at[nodes[0]] - at[nodes[1]])) * np.array([1.0, -1.0])
                np.add.at(drawn, nodes[:2], i)
            continue
        prim = np.asarray(element.YPrim()).reshape(nodes.size, nodes.size, order="F")
        emf = np.zeros(nodes.size, dtype=np.complex128)
        if name == engine.substation.source:
            emf[:3] = engine.emf_v * np.exp(-2j * np.pi / 3.0 * np.arange(3))
        np.add.at(drawn, nodes, prim @ (at[nodes] - emf))
    return np.asarray(v * np.conj(drawn[:size]) / BASE_VA)


def with_stored_magnitudes(
    engine: Engine, v: Complexes, rows: list[dict[str, Any]]
) -> tuple[Complexes, set[int]]:
    """Voltages with the magnitudes of a second's rows, and the nodes that have them."""
    found, known = v.copy(), set()
    for row in rows:
        nodes = engine.layout.bus_nodes(engine.substation.point(row["point"]).bus)
        sizes = np.array([row[f"v_{phase}_v"] for phase in "abc"])
        found[nodes] = sizes * np.exp(1j * np.angle(v[nodes]))
        known.update(nodes.tolist())
    return found, known


@pytest.mark.parametrize("index", [0, 1, 2])
def test_residual__voltages_as_written__balances_at_every_node(
    shared_bench: Bench, stored: pa.Table, part: Part, index: int
) -> None:
    engine, scenario = shared_bench.engine, part.scenarios[index]
    mine = stored.filter(pa.compute.equal(stored["scenario_id"], str(scenario))).to_pylist()
    seconds = sorted({row["t"] for row in mine})
    engine.compile()
    stage = Stage.set(shared_bench.world, engine, scenario, SECONDS)
    assert len(seconds) == SECONDS

    for second, t in enumerate(seconds):
        rows = [row for row in mine if row["t"] == t]
        for transformer, tap in settings(rows[0]["taps"]).items():
            engine.set_tap(transformer, tap)
        for bank, steps in settings(rows[0]["capacitor_steps"]).items():
            engine.set_steps(bank, steps)
        s_va = stage.conditions.s_va[second]
        v, known = with_stored_magnitudes(engine, engine.solve(s_va[None])[0], rows)

        mismatch = balance(engine, v, s_va)

        assert {engine.layout.nodes[k].split(".")[0] for k in known} >= BUSBARS
        assert max(np.abs(mismatch.real).max(), np.abs(mismatch.imag).max()) < GATE_PU
        for part_of, name in ((mismatch.real, "residual_p_pu"), (mismatch.imag, "residual_q_pu")):
            largest = part_of[np.argmax(np.abs(part_of))]
            assert [row[name] for row in rows] == pytest.approx([largest] * len(rows), rel=0.01, abs=1e-10)


def test_residual__a_voltage_off_by_a_millionth__is_noticed(
    shared_bench: Bench, stored: pa.Table, part: Part
) -> None:
    engine, scenario = shared_bench.engine, part.scenarios[0]
    engine.compile()
    stage = Stage.set(shared_bench.world, engine, scenario, SECONDS)
    s_va = stage.conditions.s_va[0]
    v = engine.solve(s_va[None])[0]
    assert np.abs(balance(engine, v, s_va)).max() < GATE_PU

    v[engine.layout.bus_nodes("mv1")[0]] *= 1.0 + 1e-6

    assert np.abs(balance(engine, v, s_va)).max() > 100.0 * GATE_PU
