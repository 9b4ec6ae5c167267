"""Training and judging on measured tables: what rows are, two algorithms on one dataset, clear refusals."""

import json
import os
from datetime import datetime
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from data_contracts.dataset import Dataset
from data_contracts.version import CONTRACT_VERSION
from features import catalogue_digest
from flows.job import Job
from flows.stages import observed
from models import observed_load, observed_training, registry
from models.catalogue import definition
from models.errors import DataError, ModelError
from models.splits import TEST, TRAIN
from models.time_splits import TimeSplit
from serving.runtime import load_model
from serving.snapshot import PublishedModel, open_snapshot, write_snapshot
from switchyard.cli import main
from switchyard.errors import UsageError
from switchyard.home import Home
from switchyard.settings import get_settings
from tests.flows.stages.measured_load import START, ZONE, describe, load, write

local = datetime.fromisoformat
DAYS, STEP_S = 180, 3600.0
TIMES = {"validation_from": local("2021-04-15"), "test_from": local("2021-05-01")}
"""Nine weeks test: two versions are compared on no fewer than eight."""


GAP_S = 4000


@pytest.fixture
def recording(tmp_path):
    """An hour and a half of frequency that wanders about 50 Hz, three seconds missing, and its readings."""
    rng = np.random.default_rng(1)
    f_hz = 50.0 + 0.002 * np.convolve(rng.normal(size=5400 + 29), np.ones(30), "valid")
    folder = Home(tmp_path).dataset("grid")
    t = START + np.arange(f_hz.size)
    there = np.ones(f_hz.size, dtype=bool)
    there[GAP_S : GAP_S + 3] = False
    n = int(there.sum())
    run = np.where(np.arange(f_hz.size) < GAP_S, "000000", "000001")[there]
    columns = {
        "scenario_id": [f"grid.ingested.0.observed.{one}" for one in run],
        "t": pa.array((1000 * t[there]).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "f_hz": f_hz[there],
        "quality": np.zeros(n, dtype=np.int8),
    }
    (folder / "frequency").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "frequency" / f"grid-{0:012d}.parquet")
    return describe(folder, "frequency", (), t, 1.0, ("f_hz",)), f_hz


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = Home(tmp_path_factory.mktemp("observed"))
    write(found, "town", {"a": load(DAYS, STEP_S)}, STEP_S)
    return found


@pytest.fixture(scope="module")
def job(home):
    return Job.of("tiny", str(home.root))


@pytest.fixture(scope="module")
def trained(job):
    """Both algorithms on one dataset: the record and the decision of each."""
    return [
        observed.train(job, "load_forecast", "town", trials=1, algorithm=one, **TIMES)
        for one in ("", "n_beats")
    ]


@pytest.fixture
def switchyard(home):
    def run(*words):
        get_settings.cache_clear()
        return CliRunner().invoke(main, list(words))

    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(home.root), "SWITCHYARD_PROFILE": "tiny"}):
        yield run
    get_settings.cache_clear()


def test_rows__of_two_feeders_with_a_gap__have_their_own_past_and_nothing_across_the_gap(tmp_path):
    t, p_w = load(40, 1800.0)
    whole = np.ones(t.size, dtype=bool)
    whole[48 * 20 : 48 * 20 + 3] = False
    dataset = write(Home(tmp_path), "two", {"a": (t[whole], p_w[whole]), "b": (t, 2 * p_w)}, 1800.0)
    declared = definition("load_forecast")
    split = TimeSplit(local("2021-01-25"), local("2021-02-04"), ZONE)
    rows = observed_load.build(dataset, declared, split).rows
    # The clock strikes at ends of steps only.
    assert np.all(np.mod(rows.t, 1800.0) == 0)
    gap = START + 20 * 86_400
    of_a = rows.point.isin(["a"])
    near = (rows.t > gap - 86_400) & (rows.t < gap + 8 * 86_400)
    assert not np.any(of_a & near)
    assert np.any(~of_a & near)
    for feeder, p in (("a", p_w), ("b", 2 * p_w)):
        own = rows.select(rows.point.isin([feeder]))
        rated = np.abs(p[t < local("2021-01-25").replace(tzinfo=ZoneInfo(ZONE)).timestamp()]).max()
        at = np.searchsorted(t, own.t)
        np.testing.assert_allclose(own.truth["p_15min"], p[at] / rated)
        np.testing.assert_allclose(own.truth["p_1h"], p[at + 1] / rated)
        np.testing.assert_allclose(own.truth["p_24h"], p[at + 47] / rated)
        np.testing.assert_allclose(own.truth["persistence_1h"], p[at - 1] / rated)
        np.testing.assert_allclose(own.truth["last_week_24h"], p[at + 47 - 336] / rated)
        np.testing.assert_allclose(own.column("load_quarter_0_pu"), p[at - 1] / rated)
    # No target lies in another split.
    test = local("2021-02-04").replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    assert rows.t[rows.split < TEST].max() <= test - 86_400 + 900
    assert rows.t[rows.split == TEST].min() > test
    assert rows.t[rows.split == TRAIN].size


def test_rows__across_the_change_to_summer_time__keep_local_hours(job):
    dataset = Dataset.open(job.home.dataset("town"))
    split = observed_training.split_of(dataset, "load")
    rows = observed_load.build(dataset, definition("load_forecast"), split).rows
    local = [datetime.fromtimestamp(one, ZoneInfo(ZONE)).hour for one in rows.t]
    turn = 2 * np.pi * np.array(local) / 24
    np.testing.assert_allclose(rows.column("hour_sin"), np.sin(turn), atol=1e-9)
    np.testing.assert_allclose(rows.column("hour_cos"), np.cos(turn), atol=1e-9)


def test_rows__of_a_recording_of_frequency__are_quiet_seconds_away_from_gaps(recording):
    dataset, f_hz = recording
    split = observed_training.split_of(dataset, "frequency")
    rows = definition("frequency_stability").observed_rows(dataset, split).rows
    assert rows.truth["quiet"].all()
    at = (rows.t - START).astype(np.int64)
    np.testing.assert_allclose(rows.truth["change_hz"], f_hz[at + 5] - f_hz[at])
    np.testing.assert_allclose(rows.column("f_mean_hz"), [f_hz[one - 9 : one + 1].mean() for one in at])
    assert at.min() == 599
    # Nothing is read or foreseen across the gap.
    assert not np.any((at > GAP_S - 6) & (at < GAP_S + 600))
    assert {0, 1, 2} == set(rows.split.tolist())


@pytest.mark.slow
def test_train__on_frequency__registers_a_version_judged_on_quiet_seconds(recording):
    dataset, _ = recording
    job = Job.of("tiny", str(dataset.path.parent.parent))
    record, _ = observed.train(job, "frequency_stability", "grid", trials=1)
    figures = {row["metric"]: row["value"] for row in record.result["rows"]}
    assert record.result["version"]["name"] == "frequency_stability.grid"
    assert figures["quiet_mae_mhz"] > 0
    assert "onset_mae_mhz" not in figures


@pytest.mark.slow
def test_train__two_algorithms__are_versions_of_one_name_and_the_rule_decides(trained, home):
    (first, none), (second, decision) = trained
    assert none is None
    one, other = (registry.get(home, "load_forecast.town", number) for number in (1, 2))
    assert first.result["version"]["version"] == 1
    assert second.result["version"]["version"] == 2
    assert "algorithm" not in one.tags
    assert other.tags["algorithm"] == "n_beats"
    assert one.tags["split"] == f"time: validation from 2021-04-15, test from 2021-05-01 ({ZONE})"
    assert one.tags["contributors"] == "town"
    assert decision.champion_before == 1
    champion = registry.get(home, "load_forecast.town", "champion")
    assert champion.version == decision.champion_after
    low = decision.comparison.headline.low
    assert (champion.version == 2) == (decision.decision == "promoted")
    assert decision.decision == "refused" or low >= 0


@pytest.mark.slow
def test_train__on_a_shape_that_repeats__beats_the_naive_forecasts(trained):
    rows = {row["metric"]: row for row in trained[0][0].result["rows"] if row["substation"] == "training"}
    assert rows["skill"]["value"] > 0.1
    assert rows["wape_24h"]["oracle"] is None
    assert rows["coverage_24h"]["value"] > 0.7


@pytest.mark.slow
def test_train__again__is_done_already(job, trained):
    record, _ = observed.train(job, "load_forecast", "town", trials=1, **TIMES)
    assert record.skipped
    assert record.result["version"]["version"] == 1


@pytest.mark.slow
def test_evaluate__either_version__stands_beside_every_opponent_on_the_same_rows(job, trained):
    reports = [observed.evaluate(job, "load_forecast", "town", number) for number in (1, 2)]
    assert reports[0].rows == reports[1].rows > 0
    assert [report.learnt for report in reports] == [True, True]
    for report in reports:
        of = {(one.who, one.metric): one for one in report.figures}
        assert {who for who, metric in of if metric == "wape_24h"} == {
            "model", "persistence", "yesterday", "last_week", "boosted_lags", "tree3"
        }  # fmt: skip
        mine, theirs = of["model", "wape_24h"], of["last_week", "wape_24h"]
        assert theirs.ahead == pytest.approx(theirs.value - mine.value)
        assert theirs.ahead_low < theirs.ahead < theirs.ahead_high
    # Opponents are the same whoever is judged.
    assert reports[0].figures[1].value == reports[1].figures[1].value
    registered = trained[0][0].result["rows"]
    wape = next(row["value"] for row in registered if row["metric"] == "wape_24h")
    judged = next(one.value for one in reports[0].figures if (one.who, one.metric) == ("model", "wape_24h"))
    assert judged == pytest.approx(wape, rel=1e-6)


@pytest.mark.slow
def test_versions__of_either_algorithm__are_proven_by_serving(trained, home, tmp_path):
    for number in (1, 2):
        folder = registry.download_compiled(home, "load_forecast.town", number, tmp_path / f"got-{number}")
        served = Home(tmp_path / f"home-{number}")
        name = write_snapshot(
            served,
            [PublishedModel("load_forecast.town", str(number), folder)],
            {},
            catalogue_digest=catalogue_digest(),
            contract_version=CONTRACT_VERSION,
        )
        snapshot = open_snapshot(served, name)
        model = load_model(snapshot, snapshot.manifest.models[0])
        assert model.version == f"load_forecast.town:{number}"


@pytest.mark.slow
def test_commands__on_the_dataset__say_what_came_out(switchyard, trained):
    asked = ("--trials", "1", "--validation-from", "2021-04-15", "--test-from", "2021-05-01", "--json")
    shown = switchyard("train", "load_forecast", "--dataset", "town", *asked)
    assert shown.exit_code == 0, shown.stderr
    assert json.loads(shown.stdout)["name"] == "load_forecast.town"
    shown = switchyard("evaluate", "load_forecast", "--dataset", "town")
    assert shown.exit_code == 0, shown.stderr
    assert "boosted_lags" in shown.stdout
    assert "has learnt from this dataset; time: validation from" in shown.stdout
    shown = switchyard("evaluate", "load_forecast.town")
    assert shown.exit_code == 1
    assert "switchyard evaluate load_forecast --dataset town" in shown.stderr


def test_train__what_measured_tables_cannot_tell__is_refused_with_the_reason(job):
    with pytest.raises(DataError, match=r"voltage_sag cannot be trained .* true intensity"):
        observed.train(job, "voltage_sag", "town", trials=1)
    with pytest.raises(
        DataError, match="phase_imbalance learns from the table readings; dataset town has load"
    ):
        observed.evaluate(job, "phase_imbalance", "town")


def test_train__wrong_use__is_told(job, switchyard, tmp_path):
    with pytest.raises(UsageError, match="no model 'load'"):
        observed.train(job, "load", "town")
    with pytest.raises(ModelError, match="no algorithm 'n_bits'"):
        observed.train(job, "load_forecast", "town", algorithm="n_bits")
    with pytest.raises(DataError, match="not in order"):
        observed.train(job, "load_forecast", "town", trials=1, test_from=local("2030-01-01"))
    short = Job.of("tiny", str(tmp_path))
    write(short.home, "short", {"a": load(9, STEP_S)}, STEP_S)
    with pytest.raises(DataError, match=r"no (training|test|validation) window|8 days without a gap"):
        observed.train(short, "load_forecast", "short", trials=1)
    assert switchyard("train", "--dataset", "town").exit_code == 2
    assert switchyard("train", "load_forecast", "--test-from", "2021-05-01").exit_code == 2
    assert switchyard("train", "load_forecast", "--dataset", "nothing").exit_code == 1
