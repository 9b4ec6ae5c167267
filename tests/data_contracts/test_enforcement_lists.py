"""Captures on their way from staging to data or quarantine: no list is lost or left without its reason."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.arrow import schema
from data_contracts.dataset import Dataset
from data_contracts.enforcement import enforce_dataset
from data_contracts.errors import ContractError
from data_contracts.quarantine import EXTRA
from data_contracts.tables import TABLES
from simulation.tables.parquet import array, instants, lists, words, write_table
from switchyard.home import Home

NAME = "test.mumbai"
FILE = "harmonic-00000.parquet"


@pytest.fixture
def captures(small_tables):
    """Factory: an Arrow table of `waveforms` or `waveforms_truth`, spoilt by `change(columns)`."""

    def make(name="waveforms", change=None):
        columns = {key: list(values) for key, values in small_tables[name].items()}
        if change is not None:
            change(columns)
        return pa.table({f.name: pa.array(columns[f.name], f.type) for f in schema(TABLES[name])})

    return make


def nan_inside(columns, row=1):
    columns["v_b_v"][row] = np.where(np.arange(1280) == 17, np.nan, columns["v_b_v"][row])


def in_kilovolts(columns, row=1):
    for phase in "abc":
        columns[f"v_{phase}_v"][row] = columns[f"v_{phase}_v"][row] / 1e3


def short(columns, row=1):
    columns["i_c_a"][row] = columns["i_c_a"][row][:-3]


def null_without_reason(columns, row=1):
    columns["v_a_v"][row] = None


def test_enforce__nan_inside_a_list__quarantines_the_capture_with_its_lists(home, facts, captures, stage):
    data = captures(change=nan_inside)
    stage("waveforms", data, FILE)

    report = enforce_dataset(home, NAME, facts, reject_share=0.25)

    quarantined = pq.read_table(home.quarantine / NAME / "waveforms" / FILE)
    own = quarantined.drop_columns(list(EXTRA))
    assert (
        own.cast(data.schema)
        .slice(0, 1)
        .drop_columns(["v_b_v"])
        .equals(data.slice(1, 1).drop_columns(["v_b_v"]))
    )
    np.testing.assert_array_equal(own["v_b_v"][0].values, data["v_b_v"][1].values)
    assert quarantined.select(EXTRA).to_pylist() == [
        {
            "rule": "v_b_v.finite",
            "detail": "v_b_v = 1280 values, 1 of them not finite, the first at [17] V",
            "source_file": FILE,
            "source_row": 1,
        }
    ]
    accepted = pq.read_table(home.dataset(NAME) / "waveforms" / FILE)
    assert accepted.equals(data.take([0, 2, 3]).cast(accepted.schema))
    assert report.tables[0].rules == {"v_b_v.finite": 1}


def test_enforce__kilovolts__stop_the_run_and_say_what_was_found(home, facts, captures, stage):
    def spoil(columns):
        for row in range(4):
            in_kilovolts(columns, row)

    path = stage("waveforms", captures(change=spoil), FILE)

    with pytest.raises(ContractError) as caught:
        enforce_dataset(home, NAME, facts)

    for part in (
        "4 of 4 rows",
        "waveform_unit 4",
        "v_a_v = 1280 values, -27.",
        "not of kV",
        "convert to volts",
    ):
        assert part in str(caught.value)
    assert path.exists()


def test_enforce__truth_without_its_capture__is_rejected(home, facts, captures, stage):
    stage("waveforms", captures().slice(0, 3), FILE)
    stage("waveforms_truth", captures("waveforms_truth"), FILE)

    report = enforce_dataset(home, NAME, facts, reject_share=0.25)

    assert [table.rules for table in report.tables] == [{}, {"known_key": 1}]
    quarantined = pq.read_table(home.quarantine / NAME / "waveforms_truth" / FILE)
    assert quarantined["scenario_id"].to_pylist() == ["mumbai.test.1.harmonic.000003"]
    assert len(quarantined["v_a_h_pct"][0]) == 40


def test_enforce__truth_staged_after_its_captures__finds_them_in_the_dataset(home, facts, captures, stage):
    stage("waveforms", captures(), FILE)
    enforce_dataset(home, NAME, facts)
    stage("waveforms_truth", captures("waveforms_truth"), FILE)

    report = enforce_dataset(home, NAME, facts)

    assert [(table.table, table.rejected) for table in report.tables] == [
        ("waveforms", 0),
        ("waveforms_truth", 0),
    ]


def test_enforce__truth_alone__stops_with_the_rule_and_its_remedy(home, facts, captures, stage):
    stage("waveforms_truth", captures("waveforms_truth"), FILE)

    with pytest.raises(
        ContractError, match=r"known_key 4.*stage the rows of waveforms and of waveforms_truth"
    ):
        enforce_dataset(home, NAME, facts)


def test_enforce__capture_of_another_structure__leaves_its_truth_without_one(home, facts, captures, stage):
    stage("waveforms", captures().drop_columns(["rate_hz"]), FILE)
    stage("waveforms_truth", captures("waveforms_truth"), FILE)

    report = enforce_dataset(home, NAME, facts, reject_share=1.0)

    assert [table.rules for table in report.tables] == [{"structure": 4}, {"known_key": 4}]


def test_enforce__frequency_without_readings_and_captures_at_some_points__is_a_dataset(
    home, facts, small_tables, stage
):
    def put(name, file, change=None):
        columns = small_tables[name] if change is None else change
        wanted = schema(TABLES[name])
        stage(name, pa.table({f.name: pa.array(columns[f.name], f.type) for f in wanted}), file)

    kinds = {"frequency": 2, "harmonic": 4, "sag": 1, "swell": 1}
    for kind, count in kinds.items():
        ids = [f"mumbai.test.1.{kind}.{k:06d}" for k in range(count)]
        base = {key: list(values)[:1] * count for key, values in small_tables["scenarios"].items()}
        put("scenarios", f"{kind}-00000.parquet", base | {"scenario_id": ids, "kind": [kind] * count})
    put("frequency", "frequency-00000.parquet")
    put("waveforms", FILE)
    put("waveforms_truth", FILE)
    put("sag_events", "sag_events-00000.parquet")

    report = enforce_dataset(home, NAME, facts)
    dataset = Dataset.write_manifest(
        home.dataset(NAME), substation="mumbai", profile="test", seed=1, circuit_digest="0" * 64
    )

    assert report.rejected == 0
    assert dataset.tables == ("frequency", "sag_events", "scenarios", "waveforms", "waveforms_truth")
    assert dataset.read("scenarios", kinds=["frequency"]).num_rows == 2
    assert dataset.read("waveforms", columns=["v_a_v"], kinds=["harmonic"])["v_a_v"][2].as_py() == [
        float(x) for x in small_tables["waveforms"]["v_a_v"][2]
    ]


def test_lists__written_by_the_simulation__read_back_bit_by_bit_and_pass(
    tmp_path, broken_rules, small_tables
):
    table, columns = TABLES["waveforms"], dict(small_tables["waveforms"])
    lost = np.array([False, True, False, False])
    columns["quality"] = np.where(lost, 2, 0).astype(np.int8)
    arrays = {
        name: words(np.arange(4), tuple(columns[name])) if name in ("scenario_id", "point") else array(values)
        for name, values in columns.items()
        if not table.column(name).is_list and name != "t"
    }
    arrays["t"] = instants(np.array(columns["t"]) / 1e3)
    for column in table.columns:
        if column.is_list:
            arrays[column.name] = lists(np.stack(columns[column.name]), lost)

    path = tmp_path / "waveforms" / FILE
    rows = write_table(path, table, arrays)

    data = pq.read_table(path)
    assert rows == 4
    assert data["v_b_v"].null_count == 1
    assert data["v_b_v"][1].as_py() is None
    read_back = data["v_b_v"][2].values.to_numpy()
    assert read_back.dtype == np.float32
    np.testing.assert_array_equal(read_back, columns["v_b_v"][2])
    assert broken_rules("waveforms", data) == {}
    leaf = pq.read_metadata(path).row_group(0).column(4)
    assert leaf.path_in_schema == "v_a_v.list.element"
    assert "BYTE_STREAM_SPLIT" in leaf.encodings


CORRUPTIONS = st.sampled_from([nan_inside, in_kilovolts, short, null_without_reason])


def keyed_lists(folder):
    """Every row of all files as comparable bytes, without the quarantine's columns."""
    found = []
    for path in sorted(folder.glob("*.parquet")):
        data = pq.read_table(path, partitioning=None)
        for row in data.select([name for name in data.column_names if name not in EXTRA]).to_pylist():
            series = [None if v is None else np.float32(v).tobytes() for v in row.values() if type(v) is list]
            found.append((row["scenario_id"], row["point"], row["t"], row["quality"], *map(str, series)))
    return sorted(found)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(CORRUPTIONS, st.integers(0, 3)), max_size=4))
def test_enforce__whatever_is_done_to_captures__accepted_and_quarantined_are_the_staged_ones(
    tmp_path_factory, facts, captures, changes
):
    home = Home(tmp_path_factory.mktemp("property"))
    staged = home.staging / NAME / "waveforms"
    staged.mkdir(parents=True)
    spoilt = set()

    def spoil(columns):
        for corrupt, row in changes:
            if row not in spoilt:
                corrupt(columns, row)
                spoilt.add(row)

    pq.write_table(captures(change=spoil), staged / FILE)
    before = keyed_lists(staged)

    report = enforce_dataset(home, NAME, facts, reject_share=1.0)

    accepted = keyed_lists(home.dataset(NAME) / "waveforms")
    rejected = keyed_lists(home.quarantine / NAME / "waveforms")
    assert sorted(accepted + rejected) == before
    assert (report.rows, report.rejected) == (4, len(spoilt))
    assert len(rejected) == len(spoilt)
