"""The grid's hour as a request says it, from a small table."""

from datetime import UTC, date, datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.transmission import UNITS
from data_contracts.wire import Context
from flows.contexts import CONTEXTS

MUMBAI = substations.read("mumbai")
START = date(2025, 1, 1)
# Of every twenty days the last three are test days.
TEST_DAYS, OTHER_DAYS = (18, 19), (2, 9)


@pytest.fixture
def told(tmp_path):
    """What is told of three episodes, where four hours of the grid are known, two of them of test days."""
    rows = [
        {
            "t": datetime(2025, 1, 1 + day, 12, tzinfo=UTC),
            "unit": unit.name,
            "status": "ok",
            "available_mw": 0.8 * unit.rated_mw,
            "cost_per_mwh": 3000.04 if unit.rise else 0.0,
            "ac_opf_mw": 0.5 * unit.rated_mw,
            "system_load_mw": 4000.0 + day,
            "ac_opf_cost": 1e7,
            "bus_load_mw": [100.0 + bus for bus in range(1, 40)],
            "bus_load_mvar": [10.0] * 39,
        }
        for day in (*TEST_DAYS, *OTHER_DAYS)
        for unit in UNITS
    ]
    names = [f"mumbai.tiny.7.normal.{k:06d}" for k in range(3)]
    scenarios = {
        "scenario_id": names,
        "t_start": [datetime(2025, 3, 1, k, tzinfo=UTC) for k in range(3)],
        "seconds": [20] * 3,
    }
    for table, content in (("dispatch", pa.Table.from_pylist(rows)), ("scenarios", pa.table(scenarios))):
        (tmp_path / table).mkdir()
        pq.write_table(content, tmp_path / table / "part-00000.parquet")
    Dataset.write_manifest(
        tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
    )
    return list(CONTEXTS["dispatch"](Dataset.open(tmp_path), MUMBAI, START, names).values())


def test_dispatch__test_hours__are_told_one_an_episode_at_the_system_point(told):
    assert [one.context["system_load_mw"] for one in told] == [4000.0 + day for day in TEST_DAYS]
    assert {one.point for one in told} == {"SYSTEM"}


def test_dispatch__context__is_what_the_wire_takes(told):
    context = msgspec.convert(told[0].context, Context, strict=True)
    assert context.units["b31-gas"].available_mw == pytest.approx(512.0)
    assert context.units["b31-gas"].cost_per_mwh == pytest.approx(3000.04)
    assert context.renewables_mw["b08-wind"] == pytest.approx(320.0)
    assert context.bus_load_mw == {"b03": 103.0, "b16": 116.0, "b21": 121.0, "b27": 127.0}


def test_dispatch__truth__is_the_ac_optimum(told):
    assert told[0].truth["optimum_cost"] == 1e7
    assert told[0].truth["optimum_mw"]["b30-hydro"] == pytest.approx(520.0)
