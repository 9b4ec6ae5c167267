"""Targets of a small campaign: rows, opponents and oracles that hang together."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from unittest.mock import patch

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.arrow import arrow_type
from data_contracts.contract import Table
from data_contracts.dataset import Dataset
from data_contracts.tables.power_quality import POWER_QUALITY
from data_contracts.tables.stability import STABILITY
from flows.difficulty.cases import Campaign
from flows.difficulty.judging import judge
from flows.difficulty.targets import targets
from simulation.demand import simulate_load
from simulation.events.intensity import Campaign as Events
from simulation.tables.customers import write_customers
from simulation.tables.standing import write_load
from simulation.tables.thermal import write_thermal
from switchyard.profiles import Thermal, load_profile

DAYS = 90


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Ninety days of mumbai: load, voltage events as they were drawn, temperatures, customers."""
    mumbai, tiny = substations.read("mumbai"), load_profile("tiny")
    plan = msgspec.structs.replace(
        tiny.simulation,
        start=date(2025, 5, 1),
        load_days=DAYS,
        customers=300,
        thermal=Thermal(episodes=10, days=1),
    )
    profile = msgspec.structs.replace(tiny, name="hand", seed=3, simulation=plan)
    root = tmp_path_factory.mktemp("hand") / "hand.mumbai"
    loads = simulate_load(mumbai, plan.start, DAYS, "hand", 3)
    events = Events.of(mumbai, loads, "hand", 3)

    def path(table: str) -> Path:
        (root / table).mkdir(parents=True)
        return root / table / f"{table}-00000.parquet"

    write_load(path("load"), loads, events.hourly.lightning_per_h)
    write_customers(path("customers"), mumbai, profile)
    write_thermal(path("thermal"), mumbai, profile)
    arrivals = events.arrivals
    ms = (1000.0 * (float(loads.t[0]) + 3600.0 * arrivals.hours)).astype("datetime64[ms]")
    happened = pa.table(
        {
            "event_id": [f"e{k:05d}" for k in range(ms.size)],
            "t": pa.array(ms, pa.timestamp("ms", tz="UTC")),
            "cause": [events.streams[k].cause for k in arrivals.stream],
        }
    )
    pq.write_table(happened, path("sag_events"))
    dataset = Dataset.write_manifest(
        root, substation="mumbai", profile="hand", seed=3, circuit_digest=mumbai.digest
    )
    return Campaign(dataset, mumbai, profile)


def test_targets__names__are_theirs_alone() -> None:
    names = [target.name for target in targets()]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "name", ["sag_next_10min", "sag_cause", "overload_60min", "load_15min", "load_24h", "customer_class"]
)
def test_target__small_campaign__whole_rows_and_an_oracle_that_nothing_beats(
    campaign: Campaign, name: str
) -> None:
    target = next(target for target in targets() if target.name == name)

    cases = target.read(campaign)
    with patch.object(target, "read", return_value=cases):
        entry = judge(campaign, target)

    assert cases is not None
    assert entry is not None
    assert cases.X.shape == (cases.y.size, len(cases.columns))
    assert cases.oracle is not None
    assert np.isfinite(np.stack([cases.y, cases.oracle])).all()
    assert entry.oracle is not None
    sign = 1.0 if entry.direction == "higher" else -1.0
    reach = entry.oracle.high if sign > 0 else entry.oracle.low
    assert reach is not None
    for other in (entry.constant, entry.tree3, entry.learner, *entry.opponents.values()):
        assert other.value is not None
        assert sign * other.value <= sign * reach


@pytest.mark.parametrize(
    ("name", "table", "opponent"),
    [
        ("grid_stability", STABILITY, "thresholds of loading and voltage"),
        ("power_quality_index", POWER_QUALITY, "formula on what is metered"),
    ],
)
def test_target__table_by_its_contract__is_read(
    campaign: Campaign, tmp_path: Path, name: str, table: Table, opponent: str
) -> None:
    rng, n = np.random.default_rng(8), 300
    columns = {}
    for column in table.columns:
        kind = arrow_type(column)
        if column.name == "scenario_id":
            values = pa.array([f"mumbai.hand.3.grid.{k // 5:06d}" for k in range(n)])
        elif column.allowed:
            values = pa.array([str(text) for text in rng.choice(column.allowed, n)])
        elif pa.types.is_string(kind):
            values = pa.array(["a"] * n)
        elif pa.types.is_timestamp(kind):
            values = pa.array(1_746_000_000_000 + 600_000 * np.arange(n), pa.int64()).cast(kind)
        elif pa.types.is_list(kind):
            values = pa.array(rng.uniform(0.5, 1.5, (n, 3)).tolist()).cast(kind, safe=False)
        else:
            values = pa.array(rng.uniform(0.5, 1.5, n)).cast(kind, safe=False)
        columns[column.name] = values
    path = tmp_path / "hand.mumbai" / table.name / f"{table.name}-00000.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), path)
    dataset = Dataset.write_manifest(
        path.parents[1], substation="mumbai", profile="hand", seed=3, circuit_digest="c" * 64
    )
    target = next(target for target in targets() if target.name == name)

    entry = judge(Campaign(dataset, campaign.substation, campaign.profile), target)

    assert entry is not None
    assert entry.best_opponent == opponent
    assert entry.rows == n
    assert entry.oracle is not None
    assert entry.oracle.value == (1.0 if name == "grid_stability" else 0.0)


def test_loads__another_seed__are_not_those_of_the_table(campaign: Campaign) -> None:
    assert campaign.loads is not None
    stranger = Campaign(
        campaign.dataset, campaign.substation, msgspec.structs.replace(campaign.profile, seed=4)
    )

    assert stranger.loads is None
    assert all(
        judge(stranger, target) is None for target in targets() if target.name in {"load_1h", "sag_cause"}
    )
