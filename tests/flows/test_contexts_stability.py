"""A state of the grid as a request says it, from a small table."""

from datetime import UTC, date, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.tables.stability import ELEMENTS, KNOWN, STABILITY
from data_contracts.wire import Context
from data_contracts.wire.grid import Branch, Grid
from features.context.grid import elements_of
from flows.contexts import CONTEXTS
from flows.contexts.stability import grid_of

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
            **{name: None if day == 17 else [1.0] * STABILITY.column(name).length for name in ELEMENTS},
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
    assert {name: getattr(context.grid, name) for name in KNOWN} == dict.fromkeys(KNOWN, 1.1176)
    assert context.grid.branches["line-b02-b03"] == Branch(in_service=True, p_mw=1.0, q_mvar=1.0)
    assert context.grid.stations["b30-hydro"].units_in_service == 1


def test_stability__elements_as_sent__are_the_lists_of_the_table(told):
    """What training reads of the table is what serving reads of the request."""
    sent = msgspec.convert(told[1].context, Context, strict=True).grid
    assert elements_of(sent) == {name: [1.0] * STABILITY.column(name).length for name in ELEMENTS}


def test_grid_of__distinct_values__come_back_in_their_places():
    lists = {name: np.arange(STABILITY.column(name).length) / 100.0 + 1.0 for name in ELEMENTS}
    lists["branch_in_service"] = np.arange(46) % 2.0
    lists["plant_units_in_service"] = np.arange(10) + 1.0
    lists["plant_v_set_pu"] = 1.0 + np.arange(10) / 1000.0
    sent = msgspec.convert(
        grid_of({**dict.fromkeys(KNOWN, 1.0), **{name: values.tolist() for name, values in lists.items()}}),
        Grid,
        strict=True,
    )
    for name, values in elements_of(sent).items():
        np.testing.assert_allclose(values, lists[name], atol=1e-4)


def test_stability__truth__names_the_failure_of_the_least_margin(told):
    assert told[0].truth == {
        "stability_class": "marginal",
        "stability_score": 71.23,
        "limited_by": "outages",
        "failure": "line-b26-b27",
    }
