"""An episode of kind `ageing` names the row of `assets` that it belongs to; names of equipment are known."""

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.arrow import schema
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES

# Local midnight at 5 h 30 min before UTC.
DAY_S = int(datetime(2025, 3, 2, 18, 30, tzinfo=UTC).timestamp())
GOOD = {"asset": "BC33.CB", "t_asset": DAY_S, "point": "DTX1.LV", "weight": 0.4, "defect_severity": 0.2}


def with_ageing(columns, parameters, t_start_s=DAY_S + 3600):
    columns["scenario_id"][0] = "mumbai.test.1.ageing.000000"
    columns["kind"][0] = "ageing"
    columns["t_start"][0] = 1000 * t_start_s
    columns["parameters"][0] = json.dumps(parameters)


@pytest.mark.parametrize("t_start_s", [DAY_S, DAY_S + 86_399])
def test_asset_day__in_its_local_day__is_kept(spoilt, t_start_s):
    assert spoilt("scenarios", lambda c: with_ageing(c, GOOD, t_start_s)) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"asset": "DTX9"},
        {"point": "LV9"},
        {"weight": 0.0},
        {"t_asset": DAY_S + 3600},
        {"t_asset": DAY_S - 86_400},
        {"t_asset": None},
    ],
)
def test_asset_day__wrong__is_rejected(spoilt, change):
    assert spoilt("scenarios", lambda c: with_ageing(c, GOOD | change)) == {"asset_day": 1}


def test_asset_day__parameters_of_another_kind__are_free(spoilt):
    assert spoilt("scenarios", lambda c: c["parameters"].__setitem__(0, '{"asset":"X"}')) == {}


@pytest.mark.parametrize(
    ("table", "rule", "known"),
    [
        ("assets", "known_asset", "known are AT1, BC33.CB, DTX1"),
        ("thermal", "known_transformer", "known are AT1, DTX1"),
    ],
)
def test_known_asset__stranger__message_names_it_and_what_is_known(
    small_tables, facts, tmp_path, table, rule, known
):
    columns = dict(small_tables[table])
    columns["asset"] = np.array([*columns["asset"][:-1], "DTX9"], dtype=object)
    fields = schema(TABLES[table])
    path = tmp_path / f"{table}.parquet"
    pq.write_table(
        pa.table({field.name: pa.array(columns[field.name], field.type) for field in fields}), path
    )

    found = inspect(TABLES[table], path, facts)

    assert found.counts()[rule] == 1
    assert f"asset = DTX9 ({known})" in found.details.to_pylist()
