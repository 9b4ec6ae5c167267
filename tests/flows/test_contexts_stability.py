"""A state of the grid as a request says it, from a small table."""

from datetime import UTC, date, datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.tables.stability import KNOWN
from data_contracts.wire import Context
from flows.contexts import CONTEXTS

MUMBAI = substations.read("mumbai")
START = date(2025, 1, 1)
# Of every twenty days the last three are test days; the state of the last one has no solution.
DAYS = (2, 18, 9, 19, 17)


@pytest.fixture
def told(tmp_path):
    """What is told of four episodes, where five states are known, two of them solved and of test days."""
    rows = [
        {
            "scenario_id": f"mumbai.tiny.7.contingency.{k:06d}",
            "t": datetime(2025, 1, 1 + day, 12, tzinfo=UTC),
            "status": "islanded" if day == 17 else "ok",
            **dict.fromkeys(KNOWN, None if day == 17 else day / 17.0),
            "score": 71.234,
            "stability_class": "marginal",
            "limited_by": "outages",
            "limiting_contingency": "line-b01-b02",
            "worst_contingency": "line-b26-b27",
            "largest_infeed": "unit-b35-coal",
        }
        for k, day in enumerate(DAYS)
    ]
    names = [f"mumbai.tiny.7.normal.{k:06d}" for k in range(4)]
    scenarios = {
        "scenario_id": names,
        "t_start": [datetime(2025, 3, 1, k, tzinfo=UTC) for k in range(4)],
        "seconds": [20] * 4,
    }
    for table, content in (("stability", pa.Table.from_pylist(rows)), ("scenarios", pa.table(scenarios))):
        (tmp_path / table).mkdir()
        pq.write_table(content, tmp_path / table / "part-00000.parquet")
    Dataset.write_manifest(
        tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
    )
    return list(CONTEXTS["stability"](Dataset.open(tmp_path), MUMBAI, START, names).values())


def test_stability__solved_states_of_test_days__are_told_one_an_episode_at_the_system_point(told):
    assert [one.context["grid"]["load_metered_mw"] for one in told] == [1.0588, 1.1176]
    assert {one.point for one in told} == {"SYSTEM"}


def test_stability__context__is_what_the_wire_takes(told):
    context = msgspec.convert(told[1].context, Context, strict=True)
    assert msgspec.structs.asdict(context.grid) == dict.fromkeys(KNOWN, 1.1176)


def test_stability__truth__names_the_failure_of_the_least_margin(told):
    assert told[0].truth == {
        "stability_class": "marginal",
        "stability_score": 71.23,
        "limited_by": "outages",
        "failure": "line-b26-b27",
    }
