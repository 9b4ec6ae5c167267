"""Great Expectations says what the numpy rules say, because both come from one declaration."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.arrow import schema
from data_contracts.block import Block
from data_contracts.dataset import Dataset
from data_contracts.enforcement import enforce_dataset
from data_contracts.expectations import KEPT, frame, suite
from data_contracts.report import write_report
from data_contracts.rules.columns import all_rules
from data_contracts.tables import TABLES
from data_contracts.validation import validate_dataset
from switchyard.files import read_json

# The library uses deprecated parts of the standard library and leaves files open.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def spoil(columns):
    columns["v_a_v"][:30] /= 1e3
    columns["f_hz"][3] = np.nan
    columns["i_b_a"][5] = np.inf
    columns["i_c_a"][40] = -3.0
    columns["quality"][7] = 5
    columns["t"][12] = columns["t"][11]
    columns["point"][45] = "nowhere"


def write(folder, data):
    (folder / "readings").mkdir(parents=True)
    pq.write_table(data, folder / "readings" / "normal-00000.parquet")
    return Dataset.write_manifest(
        folder, substation="mumbai", profile="test", seed=1, circuit_digest="0" * 64
    )


def test_suite__bad_table__breaks_the_same_rules_in_as_many_rows(tmp_path, facts, readings):
    data = readings(spoil)
    dataset = write(tmp_path / "test.mumbai", data)
    block = Block(TABLES["readings"], data, facts)
    expected = {rule.name: int(rule.check(block).sum()) for rule in all_rules(TABLES["readings"])}

    (validation,) = validate_dataset(dataset, facts, tmp_path / "site")

    assert {found.rule: found.broken for found in validation.outcomes} == expected
    assert {found.rule for found in validation.outcomes if not found.success} == {
        rule for rule, count in expected.items() if count
    }
    assert len([count for count in expected.values() if count]) >= 7
    assert not validation.success
    assert (tmp_path / "site" / "index.html").exists()


def test_validation__enforced_dataset__holds_and_is_reported(home, facts, readings, stage, small_tables):
    def lose(columns):
        columns["f_hz"][7] = np.nan

    stage("readings", readings(lose, scenarios=4))
    for name, columns in small_tables.items():
        wanted = schema(TABLES[name])
        data = pa.table({field.name: pa.array(columns[field.name], field.type) for field in wanted})
        stage(name, data, file=f"{name}-00000.parquet")
    enforcement = enforce_dataset(home, "test.mumbai", facts)
    dataset = Dataset.write_manifest(
        home.dataset("test.mumbai"), substation="mumbai", profile="test", seed=1, circuit_digest="0" * 64
    )

    validations = validate_dataset(dataset, facts, home.reports / "data_docs" / "test.mumbai", sample_rows=50)
    report = write_report(home, enforcement, validations)

    assert [validation.table for validation in validations] == list(TABLES)
    assert all(validation.success for validation in validations)
    assert {validation.table: validation.sampled for validation in validations}["readings"] == 40
    assert read_json(home.reports / "contracts.json") == [report]
    text = (home.reports / "contracts.md").read_text()
    assert "| test.mumbai | readings | 1 | 120 | 119 | 1 | 0.833% |" in text
    assert "First: normal-00000.parquet, row 7: f_hz = nan Hz (`f_hz.finite`)." in text


def test_frame__table_with_lists__asks_about_their_elements_by_booleans(small_tables, facts):
    table = TABLES["waveforms"]
    columns = {name: list(values) for name, values in small_tables["waveforms"].items()}
    columns["v_b_v"][1] = np.full(1280, np.nan)
    columns["i_a_a"][2] = columns["i_a_a"][2][:900]
    rows = pa.table({f.name: pa.array(columns[f.name], f.type) for f in schema(table)})
    block = Block(table, rows, facts)

    data = frame(table, block)

    asked = {expectation.meta["rule"]: expectation.column for expectation in suite(table)}
    assert set(asked.values()) <= set(data.columns)
    assert not {"v_a_v", "v_b_v", "i_a_a"} & set(data.columns)
    broken = {rule: (~data[column]).sum() for rule, column in asked.items() if column.startswith(KEPT)}
    assert {rule: count for rule, count in broken.items() if count} == {"v_b_v.finite": 1, "equal_lengths": 1}
