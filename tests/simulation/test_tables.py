from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.arrow import schema
from data_contracts.tables import TABLES
from data_contracts.tables.boundary import BOUNDARY
from simulation.demand import simulate_load
from simulation.errors import SimulationError
from simulation.grid import BoundaryHour
from simulation.parts import Part
from simulation.solving import Bench, is_complete
from simulation.tables.parquet import array, instants, is_whole, words, write_table
from simulation.tables.standing import read_boundary, write_boundary, write_load
from substations.description import Substation
from switchyard.identity import ScenarioId


@pytest.fixture(scope="module")
def written(shared_bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Part]:
    folder = tmp_path_factory.mktemp("part")
    part = Part("mumbai", "small", 11, "fault", 0, 0, 4, 20)
    shared_bench.solve(part, folder)
    return folder, part


@pytest.mark.parametrize("table", ["readings", "readings_truth", "faults", "scenarios"])
def test_solve__part__has_the_columns_and_types_of_the_contract(
    written: tuple[Path, Part], table: str
) -> None:
    folder, part = written

    found = pq.read_schema(folder / table / part.file)

    assert found.equals(schema(TABLES[table]), check_metadata=False)


def test_solve__rows__are_sorted_by_key_and_the_same_in_both_tables(written: tuple[Path, Part]) -> None:
    folder, part = written
    key = ["scenario_id", "point", "t"]

    read, true = (
        pq.read_table(folder / table / part.file, columns=key, partitioning=None)
        for table in ("readings", "readings_truth")
    )

    assert read.equals(true)
    assert read.equals(read.sort_by([(name, "ascending") for name in key]))
    assert read.num_rows == 4 * 27 * 20
    assert set(read["scenario_id"].unique().to_pylist()) == {str(each) for each in part.scenarios}


def test_solve__what_is_not_measured__is_null_and_nothing_is_nan(written: tuple[Path, Part]) -> None:
    folder, part = written
    read = pq.read_table(folder / "readings" / part.file, partitioning=None)

    for name in ("thd_a_pct", "thd_b_pct", "thd_c_pct", "pst"):
        assert read[name].null_count == read.num_rows
    system = read.filter(pa.compute.equal(read["point"], "SYSTEM"))
    assert system["v_min_a_v"].null_count == system.num_rows
    assert read["v_min_a_v"].null_count < 0.1 * read.num_rows
    for name in read.column_names:
        if pa.types.is_floating(read.schema.field(name).type):
            assert not np.isnan(read[name].drop_null().to_numpy()).any(), name


def test_solve__same_part__gives_the_same_bytes(
    shared_bench: Bench, written: tuple[Path, Part], tmp_path: Path
) -> None:
    folder, part = written
    shared_bench.engine.set_tap("AT1", 3)

    shared_bench.solve(part, tmp_path)

    for table in ("readings", "readings_truth", "faults", "scenarios"):
        assert (tmp_path / table / part.file).read_bytes() == (folder / table / part.file).read_bytes(), table


def test_solve__stored_residual__is_what_opendss_states_of_its_elements(
    shared_bench: Bench, scenario: Callable[[str, int], ScenarioId], tmp_path: Path
) -> None:
    part = Part("mumbai", "small", 11, "normal", 0, 0, 1, 20)
    shared_bench.solve(part, tmp_path)
    stored = pq.read_table(tmp_path / "readings_truth" / part.file, partitioning=None)

    engine = shared_bench.engine
    size = len(engine.layout.nodes)
    total = np.zeros(size + 1, dtype=np.complex128)
    for element in engine._elements.values():
        nodes = np.asarray(element.NodeRef(), dtype=np.int64) - 1
        np.add.at(total, np.where(nodes < 0, size, nodes), np.asarray(element.Currents()))
    v = engine._dss.YNodeVarray()
    mismatch = v * np.conj(total[:size]) / 100e6

    # The engine still holds the episode's last second.
    last = stored.slice(stored.num_rows - 1)
    name = stored["point"][stored.num_rows - 1].as_py()
    bus = shared_bench.world.substation.point(name).bus
    assert last["v_a_v"][0].as_py() == pytest.approx(abs(v[engine.layout.bus_nodes(bus)[0]]), rel=1e-9)
    assert abs(last["residual_p_pu"][0].as_py() - mismatch.real[np.argmax(np.abs(mismatch.real))]) < 1e-8
    assert max(abs(value) for value in stored["residual_p_pu"].to_pylist()) < 1e-6
    assert max(abs(value) for value in stored["residual_q_pu"].to_pylist()) < 1e-6


def test_solve__scenario_without_a_solution__is_kept_with_its_reason(
    shared_bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from simulation.engine import opendss

    part = Part("mumbai", "small", 11, "normal", 0, 0, 2, 20)
    # No power flow of this station converges in one iteration.
    monkeypatch.setattr(opendss, "MAX_ITERATIONS", 1)

    result = shared_bench.solve(part, tmp_path)

    monkeypatch.undo()
    shared_bench.engine.compile()
    rows = pq.read_table(tmp_path / "scenarios" / part.file, partitioning=None).to_pylist()
    assert result.statuses == {"not_converged": 2}
    assert [row["status"] for row in rows] == ["not_converged"] * 2
    assert all("no power-flow solution" in row["reason"] for row in rows)
    assert not (tmp_path / "readings" / part.file).exists()


def test_is_complete__damaged_file__is_not(written: tuple[Path, Part], tmp_path: Path) -> None:
    folder, part = written
    assert is_complete(folder, part)

    cut = tmp_path / "cut.parquet"
    cut.write_bytes((folder / "readings" / part.file).read_bytes()[:-10])

    assert not is_whole(cut)
    assert not is_whole(tmp_path / "missing.parquet")


def test_boundary__written_and_read__is_the_same(tmp_path: Path, hours: tuple[BoundaryHour, ...]) -> None:
    path = tmp_path / "boundary" / "boundary-00000.parquet"

    assert write_boundary(path, "mumbai", hours) == len(hours)

    assert read_boundary(path) == hours
    with pytest.raises(SimulationError, match="does not exist"):
        read_boundary(tmp_path / "nowhere.parquet")


def test_write_load__ten_days__is_sorted_and_keeps_its_contract(tmp_path: Path, mumbai: Substation) -> None:
    from datetime import date

    loads = simulate_load(mumbai, date(2025, 1, 1), 10, "small", 1)
    path = tmp_path / "load.parquet"

    lightning_per_h = np.linspace(0.0, 20.0, 240)
    rows = write_load(path, loads, lightning_per_h)

    found = pq.read_table(path, partitioning=None)
    assert rows == 10 * 96 * len(mumbai.feeders)
    assert found.schema.equals(schema(TABLES["load"]), check_metadata=False)
    assert found.equals(found.sort_by([("point", "ascending"), ("t", "ascending")]))
    one = found.filter(pa.compute.equal(found["point"], "F334"))
    assert one["p_w"].to_numpy() == pytest.approx(loads.p_w[:, loads.points.index("F334")])
    np.testing.assert_array_equal(one["lightning_per_h"].to_numpy()[::4], lightning_per_h)


def test_write_table__column_missing_or_of_another_type__is_refused(tmp_path: Path) -> None:
    columns = {name: pa.nulls(1, pa.float64()) for name in BOUNDARY.names}

    with pytest.raises(SimulationError, match="substation is double"):
        write_table(tmp_path / "x.parquet", BOUNDARY, columns)
    del columns["v_pu"]
    with pytest.raises(SimulationError, match="v_pu are missing or unknown"):
        write_table(tmp_path / "x.parquet", BOUNDARY, columns)


def test_arrays__nan_words_and_fractions_of_seconds__become_null_text_and_milliseconds() -> None:
    assert array(np.array([1.0, np.nan])).to_pylist() == [1.0, None]
    assert words(np.array([1, 0, 1]), ("x", "y")).to_pylist() == ["y", "x", "y"]
    assert instants(np.array([1.0015])).cast(pa.int64()).to_pylist() == [1002]
