"""The declarations themselves."""

import pyarrow as pa
import pytest

from data_contracts.arrow import accepts, schema
from data_contracts.rules.columns import all_rules
from data_contracts.tables import TABLES


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_table__declared__names_are_unique_and_known(table):
    rules = [rule.name for rule in all_rules(table)]

    assert len(set(table.names)) == len(table.names)
    assert len(set(rules)) == len(rules)
    assert set(table.key) <= set(table.names)
    assert all(not table.column(name).nullable for name in table.key)
    for rule in all_rules(table):
        assert set(rule.columns) <= set(table.names)
        assert rule.description
        assert rule.remedy


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_schema__written_file__is_accepted_column_by_column(table):
    wanted = schema(table)

    assert wanted.names == list(table.names)
    assert all(accepts(column, wanted.field(column.name).type) for column in table.columns)


def test_accepts__dictionary_encoded_strings__but_no_numbers():
    column = TABLES["readings"].column("point")

    assert accepts(column, pa.dictionary(pa.int32(), pa.string()))
    assert accepts(column, pa.large_string())
    assert not accepts(column, pa.dictionary(pa.int32(), pa.float64()))
    assert not accepts(column, pa.int64())


def test_column__unknown_name__is_a_key_error():
    with pytest.raises(KeyError, match="readings has no column v_d_v"):
        TABLES["readings"].column("v_d_v")
