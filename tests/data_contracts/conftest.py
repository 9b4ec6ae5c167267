"""A substation's facts, and small, physically consistent tables that tests of the contracts may spoil."""

import copy

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.facts import BusFacts, PointFacts, SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES
from switchyard.home import Home
from tests.data_contracts.small.arrow import START_MS, as_table
from tests.data_contracts.small.demand import customers_columns, load_columns
from tests.data_contracts.small.equipment import assets_columns, thermal_columns
from tests.data_contracts.small.grid import (
    boundary_columns,
    dispatch_columns,
    frequency_columns,
    stability_columns,
)
from tests.data_contracts.small.metered import capture_columns, readings_columns, readings_truth_columns
from tests.data_contracts.small.quality import faults_columns, power_quality_columns, sag_events_columns
from tests.data_contracts.small.scenarios import scenarios_columns
from tests.data_contracts.small.states import (
    compensation_columns,
    controls_columns,
    losses_columns,
    transfers_columns,
)


@pytest.fixture(scope="session")
def facts():
    return SubstationFacts(
        substation="mumbai",
        frequency_hz=50.0,
        utc_offset_s=19_800,
        points={
            "DTX1.LV": PointFacts(nominal_kv=33.0, rated_a=1000.0, rated_mva=50.0),
            "F331": PointFacts(nominal_kv=33.0, rated_a=400.0, rated_mva=22.9),
            "INF1": PointFacts(
                nominal_kv=400.0, rated_a=1600.0, rated_mva=1108.5, ct_class=0.2, vt_class=0.2
            ),
        },
        buses={
            "hv1": BusFacts(nominal_kv=400.0, breaker_ka=40.0),
            "lv1": BusFacts(nominal_kv=33.0, breaker_ka=31.5),
            "lv1_t": BusFacts(nominal_kv=33.0, breaker_ka=None),
        },
        assets={"AT1": "transformer", "BC33.CB": "breaker", "DTX1": "transformer"},
    )


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def readings(facts):
    """Factory: an Arrow table of `readings`; `change(columns)` may spoil the numpy columns first."""

    def make(change=None, **options):
        columns = readings_columns(facts, **options)
        if change is not None:
            change(columns)
        return as_table("readings", columns)

    return make


@pytest.fixture
def stage(home):
    """Factory: write an Arrow table as a staged file and give its path."""

    def write(table, data, file="normal-00000.parquet", dataset="test.mumbai"):
        path = home.staging / dataset / table / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(data, path)
        return path

    return write


@pytest.fixture
def broken_rules(tmp_path, facts):
    """Rejected rows by rule, of an Arrow table checked as a file."""

    def check(name, data):
        path = tmp_path / "normal-00000.parquet"
        pq.write_table(data, path)
        return inspect(TABLES[name], path, facts).counts()

    return check


@pytest.fixture
def spoilt(small_tables, broken_rules):
    """Rejected rows by rule of a good small table, after `change(columns)` has spoilt its columns."""

    def check(name, change):
        columns = copy.deepcopy(small_tables[name])
        change(columns)
        return broken_rules(name, as_table(name, columns))

    return check


@pytest.fixture(scope="session")
def small_tables(facts):
    """A good table for every contract that is not `readings`, as columns."""
    day = 86_400_000
    hours = START_MS - START_MS % day + 3_600_000 * np.arange(24)
    waveforms, waveforms_truth = capture_columns(facts)
    return {
        "readings_truth": readings_truth_columns(readings_columns(facts)),
        "faults": faults_columns(),
        "waveforms": waveforms,
        "waveforms_truth": waveforms_truth,
        "frequency": frequency_columns(facts),
        "customers": customers_columns(),
        "assets": assets_columns(facts),
        "thermal": thermal_columns(),
        "power_quality": power_quality_columns(),
        "sag_events": sag_events_columns(),
        "load": load_columns(facts),
        "losses": losses_columns(),
        "stability": stability_columns(),
        "controls": controls_columns(),
        "compensation": compensation_columns(),
        "transfers": transfers_columns(),
        "scenarios": scenarios_columns(),
        "dispatch": dispatch_columns(hours),
        "boundary": boundary_columns(hours),
    }
