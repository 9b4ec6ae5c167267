"""Failure records of a utility: labels, splits, what is refused, and what is learnt of an ageing fleet."""

import os
from datetime import UTC, datetime
from unittest.mock import patch

import numpy as np
import pytest
from click.testing import CliRunner

from data_contracts.dataset import Dataset
from data_contracts.version import CONTRACT_VERSION
from features import catalogue_digest
from flows.job import Job
from flows.stages import observed
from ingestion.mapping import parse_mapping
from ingestion.run import ingest
from models import observed_assets, observed_training, registry
from models.asset_rows import COLUMNS
from models.catalogue import definition
from models.errors import DataError
from models.evaluation import answer_all
from models.failure_labels import DAY_S, Recorded, outcomes
from models.splits import TEST, TRAIN, VALIDATION
from serving.runtime import load_model
from serving.snapshot import PublishedModel, open_snapshot, write_snapshot
from switchyard.cli import main
from switchyard.home import Home
from switchyard.settings import get_settings

DECLARED = definition("equipment_failure")
BEGIN = datetime(2010, 1, 1, tzinfo=UTC).timestamp()
PIECES, VISITS, EVERY_D = 320, 90, 30.4
SHAPE, SCALE_Y = 2.5, 22.0
FIELDS = ("when", "id", "type", "age", "water", "h2", "hot", "since", "failed")
MAPPING = """\
table: assets
substation: north
time_zone: UTC
time: {columns: [when], zone: offset}
columns:
  asset: {from: id}
  kind: {from: type}
  age_years: {from: age}
  maintenance_age_d: {from: since}
  moisture_pct: {from: water}
  h2_ppm: {from: h2}
  hot_spot_c: {from: hot}
"""


def fleet(seed=0, pieces=PIECES, visits=VISITS):
    """Lines of a fleet, by piece and time, whose hazard is a Weibull law of age times that of its condition.

    A piece that fails is told by a row of its own and is replaced by a new one; nothing else is said of it.
    """
    rng = np.random.default_rng(seed)
    lines = []
    for piece in range(pieces):
        age, water, since = rng.uniform(1, 30), rng.uniform(0.5, 4.0), rng.uniform(0, 700)
        day = rng.uniform(0, EVERY_D)
        for _ in range(visits):
            h2, hot = np.exp(rng.normal(4.0 + 0.9 * (water - 2.0), 0.3)), rng.normal(80, 8)
            told = (f"t{piece:03d}", "transformer", f"{age:.4f}", f"{water:.3f}", f"{h2:.2f}", f"{hot:.2f}")
            lines.append((day, *told, f"{since:.2f}", "no"))
            risk = np.exp(1.6 * (water - 2.6))
            grown = ((age + EVERY_D / 365.25) / SCALE_Y) ** SHAPE - (age / SCALE_Y) ** SHAPE
            life = rng.exponential() / (risk * grown)
            if life < 1.0:
                lines.append(
                    (day + life * EVERY_D, f"t{piece:03d}", "transformer", "", "", "", "", "", "yes")
                )
                age, water, since = 0.0, rng.uniform(0.5, 1.5), 0.0
            day, age, since = day + EVERY_D, age + EVERY_D / 365.25, since + EVERY_D
    return lines


def ingested(home, lines, further="  failed: {from: failed}\n", name="north"):
    """The lines as `switchyard ingest` makes a dataset of them."""
    path = home.root / f"{name}.csv"
    home.root.mkdir(parents=True, exist_ok=True)
    at = [datetime.fromtimestamp(round(BEGIN + DAY_S * line[0]), UTC).isoformat() for line in lines]
    text = [",".join(FIELDS), *(f"{t},{','.join(line[1:])}" for t, line in zip(at, lines, strict=True))]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    mapping = MAPPING + further
    ingest(home, [path], parse_mapping(mapping), mapping, name)
    return Dataset.open(home.dataset(name))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def dataset(home):
    return ingested(home, fleet())


@pytest.fixture(scope="module")
def split(dataset):
    return observed_training.split_of(dataset, "assets")


@pytest.fixture(scope="module")
def rows(dataset, split):
    return DECLARED.observed_rows(dataset, split).rows


def recorded(t_d, *, piece=None, **told):
    unknown = np.full(len(t_d), np.nan)
    given = dict.fromkeys(("label", "time_d", "failed", "in_service", "forced_outage"), unknown)
    given |= {name: np.array(values, dtype=float) for name, values in told.items()}
    code = np.zeros(len(t_d), dtype=np.int64) if piece is None else np.array(piece)
    return Recorded(piece=code, t_s=DAY_S * np.array(t_d, dtype=float), **given)


def test_outcomes__a_row_at_each_failure__counts_the_days_to_it_and_leaves_out_what_is_not_over():
    found = outcomes(recorded([0, 50, 70, 71, 300, 100], piece=[0] * 5 + [1], failed=[0, 0, 1, 0, 0, 0]))
    np.testing.assert_array_equal(found.serves, [1, 1, 0, 1, 1, 1])
    np.testing.assert_allclose(found.time_d[found.serves], [70, 20, 229, 0, 200])
    np.testing.assert_array_equal(found.failed[found.serves], [1, 1, 0, 0, 0])
    # The fifth row is the record's last: its thirty days are not over.
    np.testing.assert_array_equal(found.fails[found.serves], [0, 1, 0, np.nan, 0])


def test_outcomes__a_failure_in_the_last_thirty_days__does_not_count_either():
    found = outcomes(recorded([0, 75, 80, 100], failed=[0, 0, 1, 0]))
    np.testing.assert_array_equal(found.fails[found.serves], [0, np.nan, np.nan])


def test_outcomes__a_piece_taken_out_of_service__is_followed_until_then():
    told = recorded([0, 20, 200, 400], piece=[0, 0, 0, 1], failed=[0, 0, 0, 0], in_service=[1, 0, 1, 1])
    found = outcomes(told)
    np.testing.assert_array_equal(found.serves, [1, 0, 1, 1])
    np.testing.assert_array_equal(found.fails[found.serves], [np.nan, 0, np.nan])
    assert found.time_d[0] == 20


def test_outcomes__times_to_the_next_event__give_the_label():
    found = outcomes(recorded([0, 10, 20, 30], time_d=[100, 12, 5, 29], failed=[0, 1, 0, 1]))
    np.testing.assert_array_equal(found.fails, [0, 1, np.nan, 1])


def test_outcomes__labels_alone__stand_and_tell_no_times():
    found = outcomes(recorded([0, 10, 20], label=[1, 0, np.nan]))
    np.testing.assert_array_equal(found.fails, [1, 0, np.nan])
    assert np.isnan(found.time_d).all()
    assert not found.against.any()


@pytest.mark.parametrize(
    ("t_d", "label", "wrong"),
    [
        ([0, 50, 400], [1, np.nan, 0], [1, 0, 0]),
        ([0, 12, 400], [0, np.nan, 0], [1, 0, 0]),
        # Days are counted from their beginning or their end.
        ([0, 30.6, 400], [1, np.nan, 0], [0, 0, 0]),
        ([0, 29.4, 400], [0, np.nan, 0], [0, 0, 0]),
        ([0, 12, 400], [1, np.nan, np.nan], [0, 0, 0]),
    ],
)
def test_outcomes__a_label_beside_failures__is_compared_with_them(t_d, label, wrong):
    found = outcomes(recorded(t_d, label=label, failed=[0, 1, 0]))
    np.testing.assert_array_equal(found.against, wrong)


def test_rows__of_an_ageing_fleet__are_newer_in_test_and_of_other_pieces(rows, split):
    assert {TRAIN, VALIDATION, TEST} == set(rows.split.tolist())
    for piece in np.unique(rows.episode.codes):
        assert np.unique(rows.split[rows.episode.codes == piece]).size == 1
    # No row's thirty days reach into the next split.
    np.testing.assert_array_equal(split.split(rows.t), rows.split)
    np.testing.assert_array_equal(split.split(rows.t + 30 * DAY_S), rows.split)
    for one in (TRAIN, VALIDATION, TEST):
        assert rows.truth["fails"][rows.split == one].any()
    # A time ends where the next split begins.
    until = rows.t + DAY_S * rows.truth["time_d"]
    test = datetime.fromisoformat(f"{split.test_from.isoformat()}+00:00").timestamp()
    assert until[rows.split == VALIDATION].max() <= test + 1.0
    assert until[rows.split == TEST].max() > test


def test_rows__labels__are_those_of_the_failures(rows):
    failures = {}
    for line in fleet():
        if line[-1] == "yes":
            failures.setdefault(line[1], []).append(round(BEGIN + DAY_S * line[0]))
    for name, t, fails in zip(rows.point.array(), rows.t, rows.truth["fails"], strict=True):
        assert fails == any(t < at <= t + 30 * DAY_S for at in failures.get(str(name), ())), (name, t)
    assert rows.truth["fails"].sum() > 50


def test_inputs__columns_that_tell_the_failure__are_none_of_them():
    assert not {source for source, _ in COLUMNS.values()} & set(observed_assets.NEVER_INPUTS)


def test_rows__what_the_table_has_not__is_missing_and_its_values_are_hidden_in_training_alone(rows):
    assert np.isnan(rows.column("anomalies_24h")).all()
    assert np.isnan(rows.column("v_a_pu")).all()
    hidden = np.isnan(rows.column("asset_moisture_pct"))
    assert not hidden[rows.split == TEST].any()
    assert hidden[rows.split == TRAIN].mean() == pytest.approx(0.1, abs=0.02)
    assert np.isfinite(rows.column("asset_age_y")).all()


def test_fitted__an_ageing_fleet__is_ranked_better_than_by_age_and_the_risk_comes_true(rows):
    train, validation, test = (rows.select(rows.split == one) for one in (TRAIN, VALIDATION, TEST))
    fitted = DECLARED.calibrate(DECLARED.fit(train, DECLARED.defaults, 1), validation)
    found = answer_all(DECLARED, fitted, rows, test)
    figure = {
        (name, who): DECLARED.metric(name).of(answer, test)
        for name in ("roc_auc", "c_index", "brier_skill")
        for who, answer in found.by.items()
    }
    for name in ("roc_auc", "c_index"):
        assert figure[name, "model"] > figure[name, "age_weibull"] + 0.05, figure
    assert figure["roc_auc", "model"] > 0.75
    assert figure["brier_skill", "model"] > figure["brier_skill", "age_weibull"]
    assert "oracle" not in found.by
    # Nobody knows the true risk: no share of it is told.
    for name in ("roc_auc_share", "c_index_share", "brier_skill_share", "defect_named_first"):
        assert np.isnan(DECLARED.metric(name).of(found.by["model"], test))
    # Nobody counted anomalies: what counts them knows the base rate alone.
    np.testing.assert_allclose(found.by["anomaly_count"]["risk"], train.truth["fails"].mean())
    risk = found.by["model"]["risk"]
    assert risk.mean() == pytest.approx(test.truth["fails"].mean(), rel=0.6)


def test_fitted__labels_without_times__has_a_risk_and_no_figure_of_times(home, split):
    lines = [line for line in fleet() if line[-1] == "no"]
    fails = {}
    for line in fleet():
        if line[-1] == "yes":
            fails.setdefault(line[1], []).append(line[0])
    labelled = [
        (*line[:-1], "yes" if any(0 < at - line[0] <= 30 for at in fails.get(line[1], ())) else "no")
        for line in lines
    ]
    dataset = ingested(home, labelled, "  failed_within_30d: {from: failed}\n", "labels")
    rows = DECLARED.observed_rows(dataset, split).rows
    train, validation, test = (rows.select(rows.split == one) for one in (TRAIN, VALIDATION, TEST))
    fitted = DECLARED.calibrate(DECLARED.fit(train, DECLARED.defaults, 1), validation)
    found = answer_all(DECLARED, fitted, rows, test)
    area = DECLARED.metric("roc_auc")
    assert area.of(found.by["model"], test) > area.of(found.by["age_weibull"], test)
    for name in ("c_index", "time_median_error_h"):
        assert np.isnan(DECLARED.metric(name).of(found.by["model"], test))
    assert set(found.by["tree3"]) == {"risk"}
    # What is more likely to fail is expected to fail sooner.
    risk, hours = found.by["model"]["risk"], found.by["model"]["hours"]
    assert np.median(hours[risk > np.quantile(risk, 0.9)]) < np.median(hours[risk < np.median(risk)])


def test_rows__more_than_are_kept__are_drawn_with_weights_that_keep_the_base_rate(dataset, split, rows):
    with patch.object(observed_assets, "MOST_ROWS", 2000):
        some = DECLARED.observed_rows(dataset, split).rows
    assert len(some) == 2000
    assert some.truth["fails"].sum() == rows.truth["fails"].sum()
    rate = np.average(some.truth["fails"], weights=some.truth["weight"])
    assert rate == pytest.approx(rows.truth["fails"].mean(), rel=1e-9)


def test_rows__labels_against_the_failures__are_named(home):
    lines = fleet(pieces=40, visits=40)
    told = [(*line, "yes" if line[1] == "t003" and line[-1] == "no" else "") for line in lines]
    with patch(f"{__name__}.FIELDS", (*FIELDS, "label")):
        dataset = ingested(
            home, told, "  failed: {from: failed}\n  failed_within_30d: {from: label}\n", "wrong"
        )
    split = observed_training.split_of(dataset, "assets")
    with pytest.raises(DataError, match=r"rows of assets failed_within_30d is against .*: t003 at 2010"):
        DECLARED.observed_rows(dataset, split)


@pytest.mark.parametrize(
    ("change", "further", "said"),
    [
        (lambda line: (*line[:-1], "no"), None, "no row of assets that can be used fails"),
        (lambda line: line, "", "no column failed_within_30d or failed"),
        (lambda line: (*line[:3], "", *line[4:]), None, "no row of assets .* 0 have every input"),
        (
            lambda line: (*line[:-1], line[-1] if line[0] < 200 else "no"),
            None,
            "0 of .* test rows fail .* nothing can be judged",
        ),
    ],
    ids=["no failure", "no label", "no age", "no failure in the test"],
)
def test_rows__a_table_that_tells_too_little__is_refused(tmp_path, change, further, said):
    lines = [change(line) for line in fleet(pieces=60, visits=30)]
    given = "  failed: {from: failed}\n" if further is None else further
    dataset = ingested(Home(tmp_path), lines, given)
    with pytest.raises(DataError, match=said) as caught:
        DECLARED.observed_rows(dataset, observed_training.split_of(dataset, "assets"))
    assert caught.value.remedy


def test_rows__a_table_without_ages__is_refused(tmp_path):
    with patch(f"{__name__}.MAPPING", MAPPING.replace("  age_years: {from: age}\n", "")):
        dataset = ingested(Home(tmp_path), fleet(pieces=30, visits=30))
    with pytest.raises(DataError, match="reads age_years of the table assets, which dataset north leaves"):
        DECLARED.observed_rows(dataset, observed_training.split_of(dataset, "assets"))


@pytest.mark.slow
def test_train__on_failure_records__registers_a_version_that_is_judged_compared_and_served(
    home, dataset, tmp_path
):
    job = Job.of("tiny", str(home.root))
    record, none = observed.train(job, "equipment_failure", "north", trials=1)
    assert none is None
    made = record.result["version"]
    assert (made["name"], made["version"]) == ("equipment_failure.north", 1)
    told = {row["metric"] for row in record.result["rows"]}
    assert {"brier_skill", "roc_auc", "c_index", "calibration_slope_error"} <= told
    assert not {"brier_skill_share", "roc_auc_share", "c_index_share"} & told
    report = observed.evaluate(job, "equipment_failure", "north")
    figures = {(one.who, one.metric): one for one in report.figures}
    ahead = figures["age_weibull", "roc_auc"]
    assert ahead.ahead > 0.05
    assert ahead.ahead_low < ahead.ahead < ahead.ahead_high
    judged = {who for who, metric in figures if metric == "brier_skill"}
    assert judged >= {"model", "age_weibull", "health_index", "tree3"}
    _, decision = observed.train(job, "equipment_failure", "north", trials=2)
    assert decision.comparison.headline.episodes >= 8
    folder = registry.download_compiled(home, "equipment_failure.north", 1, tmp_path / "got")
    served = Home(tmp_path / "served")
    name = write_snapshot(
        served,
        [PublishedModel("equipment_failure.north", "1", folder)],
        {},
        catalogue_digest=catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    snapshot = open_snapshot(served, name)
    model = load_model(snapshot, snapshot.manifest.models[0])
    # What the table never tells need not be sent, and what it tells of every row must be.
    assert "anomalies_24h" in model.spec.optional
    must = {name for name, needed in zip(model.spec.features, model.required, strict=True) if needed}
    assert must == {"asset_kind_code", "asset_age_y", "maintenance_age_h"}


@pytest.mark.slow
def test_command__evaluate__names_the_opponents(home, dataset):
    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(home.root), "SWITCHYARD_PROFILE": "tiny"}):
        get_settings.cache_clear()
        shown = CliRunner().invoke(main, ["evaluate", "equipment_failure", "--dataset", "north"])
        refused = CliRunner().invoke(main, ["evaluate", "equipment_failure", "--dataset", "nothing"])
    get_settings.cache_clear()
    assert shown.exit_code == 0, shown.stderr
    for word in ("age_weibull", "health_index", "roc_auc", "test episodes"):
        assert word in shown.stdout
    assert refused.exit_code == 1
