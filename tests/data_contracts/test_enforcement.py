"""Staging to data and quarantine: nothing lost, idempotent, and the same outcome after a kill."""

import shutil
import signal
import subprocess
import sys

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.enforcement import DECISION, VERDICTS, enforce_dataset
from data_contracts.errors import ContractError
from switchyard.files import read_json
from switchyard.home import Home

NAME = "test.mumbai"


def rows_of(folder):
    """Rows of all files in a folder as a sorted list of texts, without the quarantine's columns."""
    rows = []
    for path in sorted(folder.glob("*.parquet")):
        data = pq.read_table(path, partitioning=None)
        own = [
            name for name in data.column_names if name not in ("rule", "detail", "source_file", "source_row")
        ]
        rows += [str(row) for row in data.select(own).to_pylist()]
    return sorted(rows)


def outcome(home):
    """Everything that enforcement left behind, as comparable values."""
    return {
        "data": rows_of(home.dataset(NAME) / "readings"),
        "quarantine": rows_of(home.quarantine / NAME / "readings"),
        "verdicts": read_json(home.quarantine / NAME / "readings" / VERDICTS),
        "files": sorted(path.name for path in (home.dataset(NAME) / "readings").iterdir()),
    }


def spoil_frequency(*rows):
    def spoil(columns):
        columns["f_hz"][list(rows)] = np.nan

    return spoil


def test_enforce__clean_files__are_moved_with_their_bytes(home, facts, readings, stage):
    path = stage("readings", readings())
    before = path.read_bytes()

    report = enforce_dataset(home, NAME, facts)

    assert (home.dataset(NAME) / "readings" / "normal-00000.parquet").read_bytes() == before
    assert not path.exists()
    assert (report.rows, report.rejected) == (60, 0)
    assert report.tables[0].table == "readings"
    assert not list((home.quarantine / NAME).rglob("*.parquet"))


def test_enforce__few_rejects__are_quarantined_with_rule_detail_and_source(home, facts, readings, stage):
    data = readings(spoil_frequency(7), scenarios=4)
    stage("readings", data)

    report = enforce_dataset(home, NAME, facts, reject_share=0.01)

    rejected = pq.read_table(home.quarantine / NAME / "readings" / "normal-00000.parquet").to_pylist()
    assert [(row["rule"], row["detail"], row["source_file"], row["source_row"]) for row in rejected] == [
        ("f_hz.finite", "f_hz = nan Hz", "normal-00000.parquet", 7)
    ]
    accepted = pq.read_table(home.dataset(NAME) / "readings" / "normal-00000.parquet")
    assert accepted.equals(data.take([*range(7), *range(8, data.num_rows)]))
    assert report.tables[0].rules == {"f_hz.finite": 1}
    assert report.tables[0].accepted == data.num_rows - 1


def test_enforce__too_many_rejects__stops_and_moves_nothing(home, facts, readings, stage, small_tables):
    from data_contracts.arrow import schema
    from data_contracts.tables import TABLES

    first = stage("readings", readings(scenarios=1), file="normal-00000.parquet")
    second = stage(
        "readings",
        readings(lambda c: c["v_a_v"].__setitem__(slice(0, 10), 0.019), first=1),
        file="normal-00001.parquet",
    )
    wanted = schema(TABLES["boundary"])
    columns = small_tables["boundary"]
    third = stage(
        "boundary",
        pa.table({f.name: pa.array(columns[f.name], f.type) for f in wanted}),
        file="boundary-0.parquet",
    )

    with pytest.raises(ContractError) as caught:
        enforce_dataset(home, NAME, facts)

    text = str(caught.value)
    for part in (
        "readings",
        "normal-00001.parquet",
        "row 0",
        "v_a_v = 0.019 V",
        "breaks voltage_unit",
        "10 of 90",
        "11.11%",
        "1.00%",
        str(home.quarantine / NAME / "readings"),
    ):
        assert part in text
    assert first.exists()
    assert second.exists()
    assert third.exists()
    assert not home.data.exists()
    assert pq.read_metadata(home.quarantine / NAME / "readings" / "normal-00001.parquet").num_rows == 10


def test_enforce__corrected_and_staged_again__clears_the_quarantine(home, facts, readings, stage):
    stage("readings", readings(spoil_frequency(*range(20))))
    with pytest.raises(ContractError):
        enforce_dataset(home, NAME, facts)
    stage("readings", readings())

    report = enforce_dataset(home, NAME, facts)

    assert report.rejected == 0
    assert rows_of(home.quarantine / NAME / "readings") == []
    assert len(rows_of(home.dataset(NAME) / "readings")) == 60


def test_enforce__missing_column__quarantines_the_file_whole(home, facts, readings, stage):
    stage("readings", readings(scenarios=1).drop_columns(["q_b_var"]), file="normal-00000.parquet")
    stage("readings", readings(first=1), file="normal-00001.parquet")

    report = enforce_dataset(home, NAME, facts, reject_share=0.5)

    rejected = pq.read_table(home.quarantine / NAME / "readings" / "normal-00000.parquet")
    assert rejected["rule"].unique().to_pylist() == ["structure"]
    assert rejected["detail"].unique().to_pylist() == ["column q_b_var is missing"]
    assert rejected["source_row"].to_pylist() == list(range(30))
    assert [path.name for path in (home.dataset(NAME) / "readings").iterdir()] == ["normal-00001.parquet"]
    assert report.tables[0].rules == {"structure": 30}
    assert not (home.staging / NAME / "readings").exists()


def test_enforce__same_rows_in_two_files__keeps_the_first_files(home, facts, readings, stage):
    data = readings(scenarios=2)
    stage("readings", data, file="normal-00000.parquet")
    stage("readings", data.slice(20, 15), file="normal-00001.parquet")

    report = enforce_dataset(home, NAME, facts, reject_share=0.5)

    assert report.tables[0].rules == {"unique_in_table": 15}
    assert len(rows_of(home.dataset(NAME) / "readings")) == data.num_rows


def test_enforce__rows_that_are_in_the_dataset_already__are_rejected(home, facts, readings, stage):
    stage("readings", readings(), file="normal-00000.parquet")
    enforce_dataset(home, NAME, facts)
    stage("readings", readings(first=1), file="normal-00001.parquet")

    report = enforce_dataset(home, NAME, facts, reject_share=0.5)

    assert report.tables[0].rules == {"unique_in_table": 30}
    assert len(rows_of(home.dataset(NAME) / "readings")) == 90


def test_enforce__called_again__changes_nothing_and_reports_the_same(home, facts, readings, stage):
    stage("readings", readings(spoil_frequency(7), scenarios=4))
    report = enforce_dataset(home, NAME, facts)
    before = outcome(home)

    again = enforce_dataset(home, NAME, facts)

    assert again == report
    assert outcome(home) == before


def test_enforce__unknown_table_staged__is_refused(home, facts, readings, stage):
    stage("reading", readings())

    with pytest.raises(ContractError, match=r"staging/test\.mumbai/reading is not a table"):
        enforce_dataset(home, NAME, facts)


def test_enforce__nothing_staged__is_an_empty_report(home, facts):
    assert enforce_dataset(home, NAME, facts).tables == ()


def test_enforce__file_changed_after_a_killed_decision__is_decided_again(home, facts, readings, stage):
    path = stage("readings", readings(spoil_frequency(7), scenarios=4))
    enforce_dataset(home, NAME, facts)
    decision = home.quarantine / NAME / "readings" / VERDICTS
    stage("readings", readings(spoil_frequency(3, 9), scenarios=4))
    (path.parent / DECISION).write_bytes(decision.read_bytes())

    report = enforce_dataset(home, NAME, facts, reject_share=0.05)

    assert report.tables[0].rules == {"f_hz.finite": 2}
    assert len(rows_of(home.dataset(NAME) / "readings")) == 118
    assert len(rows_of(home.quarantine / NAME / "readings")) == 2


# Dies by SIGKILL just before the n-th rename or removal of a file, wherever in the run that is.
CHILD = """
import os
import shutil
import signal
import sys
from pathlib import Path
import msgspec
from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from switchyard.home import Home

left = int(sys.argv[3])

def die(event, arguments):
    global left
    if event in ("os.rename", "os.remove"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

facts = msgspec.json.decode(sys.argv[2], type=SubstationFacts)
sys.addaudithook(die)
enforce_dataset(Home(Path(sys.argv[1])), "test.mumbai", facts, reject_share=0.02)
"""


def stage_many(stage, readings):
    for part in range(24):
        spoil = spoil_frequency(part) if part % 3 == 0 else None
        data = readings(spoil, scenarios=1, first=part)
        stage("readings", data, file=f"normal-{part:05d}.parquet")


@pytest.mark.parametrize("step", [6, 45, 70, 100])
def test_enforce__killed_anywhere__ends_the_same_when_started_again(
    home, facts, readings, stage, step, tmp_path
):
    stage_many(stage, readings)
    undisturbed = Home(tmp_path / "undisturbed")
    shutil.copytree(home.root, undisturbed.root)
    enforce_dataset(undisturbed, NAME, facts, reject_share=0.02)

    known = msgspec.json.encode(facts).decode()
    child = subprocess.run([sys.executable, "-c", CHILD, str(home.root), known, str(step)], check=False)
    assert child.returncode == -signal.SIGKILL
    enforce_dataset(home, NAME, facts, reject_share=0.02)

    assert outcome(home) == outcome(undisturbed)
    assert len(outcome(home)["data"]) + len(outcome(home)["quarantine"]) == 24 * 30
    assert not home.staging.joinpath(NAME, "readings").exists()


CORRUPTIONS = st.sampled_from(["nan", "inf", "null_id", "range", "unit", "point", "time", "duplicate"])


def corrupt(data, kind, row):
    columns = {name: data[name].to_pylist() for name in data.column_names}
    if kind == "nan":
        columns["v_a_v"][row] = float("nan")
    elif kind == "inf":
        columns["q_c_var"][row] = float("inf")
    elif kind == "null_id":
        columns["scenario_id"][row] = None
    elif kind == "range":
        columns["thd_b_pct"][row] = -5.0
    elif kind == "unit":
        columns["v_b_v"] = [v and v / 1e3 for v in columns["v_b_v"]]
    elif kind == "point":
        columns["point"][row] = "nowhere"
    elif kind == "time":
        columns["t"][row], columns["t"][0] = columns["t"][0], columns["t"][row]
    else:
        for values in columns.values():
            values.append(values[row])
    return pa.table(
        {name: pa.array(values, data.schema.field(name).type) for name, values in columns.items()},
        schema=data.schema,
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(CORRUPTIONS, st.integers(0, 29)), max_size=4))
def test_enforce__whatever_is_staged__accepted_and_quarantined_are_the_staged_rows(
    tmp_path_factory, facts, readings, changes
):
    home = Home(tmp_path_factory.mktemp("property"))
    staged = home.staging / NAME / "readings"
    staged.mkdir(parents=True)
    for part in range(2):
        data = readings(scenarios=1, first=part)
        for kind, row in changes[part::2]:
            data = corrupt(data, kind, row)
        pq.write_table(data, staged / f"normal-{part:05d}.parquet")
    before = rows_of(staged)

    report = enforce_dataset(home, NAME, facts, reject_share=1.0)

    accepted, rejected = (
        rows_of(home.dataset(NAME) / "readings"),
        rows_of(home.quarantine / NAME / "readings"),
    )
    assert sorted(accepted + rejected) == before
    assert (report.rows, report.rejected) == (len(before), len(rejected))
    kept = set(accepted)
    assert len(kept) == len(accepted)
