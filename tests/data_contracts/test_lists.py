"""Columns of lists: types, reductions over rows, and every element held against its column."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.arrow import accepts, arrow_type
from data_contracts.block import Block
from data_contracts.contract import Column, Table
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import STRUCTURE, inspect
from data_contracts.lists import Lists
from data_contracts.rules.columns import all_rules

FACTS = SubstationFacts(substation="mumbai", frequency_hz=50.0, utc_offset_s=0, points={})
SERIES = Column("x_v", "float32[]", "V", "Samples", nullable=True, minimum=-10, maximum=10)
FIXED = Column("h_pct", "float64[]", "%", "Orders", minimum=0, length=3)
TABLE = Table("captures", "Lists", ("name",), (Column("name", "string", "", "Name"), SERIES, FIXED))


def make(x, h=None):
    h = [[100.0, 1.0, 0.0]] * len(x) if h is None else h
    return pa.table(
        {
            "name": pa.array([f"n{k}" for k in range(len(x))]),
            "x_v": pa.array(x, pa.list_(pa.float32())),
            "h_pct": pa.array(h, pa.list_(pa.float64())),
        }
    )


def broken(data):
    block = Block(TABLE, data, FACTS)
    return {
        rule.name: np.flatnonzero(mask).tolist()
        for rule in all_rules(TABLE)
        if (mask := rule.check(block)).any()
    }


def test_lists__of_unequal_lengths__are_reduced_row_by_row():
    lists = Lists.of(pa.array([[3.0, -4.0], None, [], [1.0], [2.0, 2.0, 2.0]], pa.list_(pa.float64())))

    assert lists.lengths.tolist() == [2, 0, 0, 1, 3]
    np.testing.assert_array_equal(lists.smallest(), [-4.0, np.nan, np.nan, 1.0, 2.0])
    np.testing.assert_array_equal(lists.largest(), [3.0, np.nan, np.nan, 1.0, 2.0])
    np.testing.assert_allclose(lists.rms(), [np.sqrt(12.5), np.nan, np.nan, 1.0, 2.0])
    np.testing.assert_allclose(lists.root_sum_square(1), [4.0, 0.0, 0.0, 0.0, np.sqrt(8.0)])
    np.testing.assert_array_equal(lists.element(1), [-4.0, np.nan, np.nan, np.nan, 2.0])
    assert lists.any(lists.values > 2.5).tolist() == [True, False, False, False, False]


def test_lists__random_rows__agree_with_one_row_at_a_time():
    draw = np.random.default_rng(3)
    rows = [draw.normal(size=draw.integers(0, 6)).tolist() for _ in range(200)]
    lists = Lists.of(pa.array(rows, pa.list_(pa.float64())))

    expected = [min(row, default=np.nan) for row in rows]
    np.testing.assert_array_equal(lists.smallest(), expected)
    squares = [np.sqrt(np.sum(np.square(row[2:]))) for row in rows]
    np.testing.assert_allclose(lists.root_sum_square(2), squares, atol=1e-12)


def test_lists__slice_of_a_column__sees_its_own_rows_only():
    column = pa.array([[9.0], [1.0, 2.0], [3.0], [8.0]], pa.list_(pa.float32())).slice(1, 2)

    lists = Lists.of(column)

    assert lists.values.tolist() == [1.0, 2.0, 3.0]
    assert lists.largest().tolist() == [2.0, 3.0]


def test_lists__no_rows__have_no_figures():
    lists = Lists.of(pa.array([], pa.list_(pa.float32())))

    assert lists.largest().shape == (0,)
    assert lists.any(lists.values > 0).shape == (0,)


@pytest.mark.parametrize(
    ("x", "rule"),
    [
        ([[1.0, None]], "x_v.finite"),
        ([[1.0, float("nan")]], "x_v.finite"),
        ([[float("inf"), 1.0]], "x_v.finite"),
        ([[1.0, -10.5]], "x_v.range"),
    ],
)
def test_element__missing_not_finite_or_out_of_range__breaks_its_row_only(x, rule):
    found = broken(make([[1.0], [2.0, 3.0], *x, [], None]))

    assert found[rule] == [2]


@pytest.mark.parametrize(
    ("h", "rule"),
    [([100.0, 1.0], "h_pct.length"), ([100.0, -1.0, 0.0], "h_pct.range"), (None, "h_pct.present")],
)
def test_list__of_fixed_length__refuses_others_and_null(h, rule):
    good = [100.0, 1.0, 0.0]

    assert broken(make([[1.0]] * 3, [good, h, good])) == {rule: [1]}


def test_details__of_lists__give_length_range_and_the_first_odd_element():
    data = make([[1.0, -2.5, 12.25], [1.0, float("nan"), None], None])
    block = Block(TABLE, data, FACTS)

    texts = block.details(("x_v",), np.array([0, 1, 2])).to_pylist()

    assert texts == [
        "x_v = 3 values, -2.5 to 12.25 V",
        "x_v = 3 values, 2 of them not finite, the first at [1] V",
        "x_v = null V",
    ]


@pytest.mark.parametrize("column", [SERIES, FIXED])
def test_accepts__lists_of_the_declared_number__by_whatever_name_of_the_element(column):
    kind = arrow_type(column).value_type

    assert accepts(column, pa.list_(pa.field("element", kind, nullable=False)))
    assert accepts(column, pa.large_list(kind))
    assert not accepts(column, kind)
    assert not accepts(column, pa.list_(pa.float16()))
    assert not accepts(column, pa.list_(pa.list_(kind)))


def test_inspect__list_of_another_number__quarantines_the_file(tmp_path):
    data = make([[1.0]]).set_column(1, "x_v", pa.array([[1.0]], pa.list_(pa.float64())))
    pq.write_table(data, tmp_path / "a.parquet")

    inspection = inspect(TABLE, tmp_path / "a.parquet", FACTS)

    assert inspection.rules == (STRUCTURE,)
    assert "x_v has type list<element: double>, not list<item: float>" in inspection.details[0].as_py()
