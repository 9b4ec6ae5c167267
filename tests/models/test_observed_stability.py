"""States that a security assessment has judged: what rows are, what is refused, what is learnt and served."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from data_contracts.dataset import Dataset
from data_contracts.stability_score import FREQUENCY, OUTAGES, VOLTAGE, on
from data_contracts.tables.stability import CLASSES, MARGINS
from flows.job import Job
from flows.stages import observed
from ingestion.errors import IngestionError
from ingestion.mapping import parse_mapping
from ingestion.proposal import propose
from ingestion.run import ingest
from models import compilation, observed_training
from models.catalogue import definition
from models.decision.grid_stability import THRESHOLDS
from models.errors import DataError
from models.evaluation import TREE3, answer_all
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.files import read_json
from switchyard.home import Home

DECLARED = definition("grid_stability")
DAYS = 40
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
FIELDS = ("when", "load", "wind", "infeed", "neighbour", "loading", "vmin", "nose", "after_nose", "sev",
          "after", "nadir", "lost")  # fmt: skip
KNOWN = {
    "load_metered_mw": "load", "wind_metered_mw": "wind", "largest_infeed_metered_mw": "infeed",
    "neighbour_load_metered_mw": "neighbour", "loading_max_metered_pct": "loading",
    "v_min_metered_pu": "vmin",
}  # fmt: skip
ASSESSED = {
    "nose_after_pct": "nose", "limiting_contingency": "after_nose", "severity": "sev",
    "worst_contingency": "after", "nadir_hz": "nadir", "largest_infeed": "lost",
}  # fmt: skip


def mapping(columns, frequency_hz=50):
    head = (
        f"table: stability\nsubstation: centre\ntime_zone: UTC\nfrequency_hz: {frequency_hz}\n"
        "time: {columns: [when], zone: offset, step_s: 3600}\ncolumns:\n"
    )
    return head + "".join(f"  {name}: {{from: {column}}}\n" for name, column in columns.items())


def states(seed=0):
    """Lines of an assessment every hour: heavy load brings the nose near, wind loads either of two lines."""
    rng = np.random.default_rng(seed)
    lines = []
    for hour in range(24 * DAYS):
        load = 6000 + 1500 * np.sin(2 * np.pi * (hour % 24 - 8) / 24) + rng.normal(0, 250)
        wind, infeed = rng.uniform(0, 2500), rng.uniform(400, 1100)
        loading = 40 + 30 * load / 7500 + 15 * abs(wind - 1250) / 1250 + rng.normal(0, 1)
        vmin = 1.03 - 0.06 * load / 7500 + rng.normal(0, 0.002)
        nose = np.clip(60 - 0.0075 * load + rng.normal(0, 0.5), 0, 60)
        severity = 0.45 + 0.00035 * abs(wind - 1250) + 0.000025 * load + rng.normal(0, 0.01)
        nadir = 49.85 - 0.00045 * infeed + rng.normal(0, 0.01)
        when = (BEGIN + timedelta(hours=hour)).isoformat()
        values = (load, wind, infeed, 0.8 * load, loading, vmin)
        after = "line-north" if wind > 1250 else "line-south"
        lines.append(
            ",".join([when, *(f"{value:.4f}" for value in values), f"{nose:.3f}", "line-west",
                      f"{severity:.4f}", after, f"{nadir:.4f}", "unit-7"])
        )  # fmt: skip
    return lines


def ingested(home, lines, columns, **said):
    home.root.mkdir(parents=True, exist_ok=True)
    path = home.root / "states.csv"
    path.write_text("\n".join([",".join(FIELDS), *lines]) + "\n", encoding="utf-8")
    text = mapping(columns, **said)
    ingest(home, [path], parse_mapping(text), text, "grid")
    return Dataset.open(home.dataset("grid"))


def rows_of(dataset):
    return DECLARED.observed_rows(dataset, observed_training.split_of(dataset, "stability")).rows


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("states"))


@pytest.fixture(scope="module")
def rows(home):
    return rows_of(ingested(home, states(), KNOWN | ASSESSED))


@pytest.fixture(scope="module")
def fitted(rows):
    return DECLARED.fit(rows.select(rows.split == TRAIN), {**DECLARED.defaults, "rounds": 40}, 1)


def test_rows__figures_of_an_assessment__are_scored_as_the_simulators(rows):
    told = np.array([line.split(",") for line in states()])
    nose, severity, nadir = (told[:, FIELDS.index(name)].astype(float) for name in ("nose", "sev", "nadir"))
    wanted = np.stack([on(VOLTAGE, nose / 100), on(OUTAGES, severity), on(FREQUENCY, nadir - 49.4)], axis=1)
    np.testing.assert_allclose(rows.truth["margins"], wanted)
    np.testing.assert_allclose(rows.truth["score"], wanted.min(axis=1))
    assert set(rows.kind.array()) == set(MARGINS)
    name = {"voltage": ["line-west"], "outages": ["line-north", "line-south"], "frequency": ["unit-7"]}
    for kind, failure in zip(rows.kind.array(), rows.truth["failure"], strict=True):
        assert failure in name[kind]
    assert {CLASSES[code] for code in rows.truth["code"]} == set(CLASSES)


def test_rows__inputs__are_those_that_the_table_tells(rows):
    known = np.isfinite(rows.X).any(axis=0)
    told = {name for name, one in zip(rows.columns, known, strict=True) if one}
    assert told == {*KNOWN, "infeed_loss_pu"}
    assert np.isfinite(rows.X[:, known]).all()


def test_rows__days__are_in_one_split_and_in_order(rows):
    for day in np.unique(rows.episode.codes):
        assert np.unique(rows.split[rows.episode.codes == day]).size == 1
    assert rows.t[rows.split == TRAIN].max() < rows.t[rows.split == VALIDATION].min()
    assert rows.t[rows.split == VALIDATION].max() < rows.t[rows.split == TEST].min()


def test_rows__a_margin_that_is_not_told__never_limits(tmp_path):
    told = {name: column for name, column in ASSESSED.items() if column not in ("nadir", "lost")}
    rows = rows_of(ingested(Home(tmp_path), states(), KNOWN | told))
    assert set(rows.kind.array()) == {"voltage", "outages"}
    np.testing.assert_array_equal(rows.truth["margins"][:, MARGINS.index("frequency")], 100.0)


def test_rows__a_nadir_in_a_grid_of_60_hz__is_judged_by_its_own_nominal(tmp_path, rows):
    place = FIELDS.index("nadir")
    lines = []
    for line in states():
        fields = line.split(",")
        fields[place] = f"{float(fields[place]) * 1.2:.5f}"
        lines.append(",".join(fields))
    found = rows_of(ingested(Home(tmp_path), lines, KNOWN | ASSESSED, frequency_hz=60))
    frequency = MARGINS.index("frequency")
    np.testing.assert_allclose(
        found.truth["margins"][:, frequency], rows.truth["margins"][:, frequency], atol=0.05
    )


def test_rows__a_state_without_a_name_or_an_input__is_left_out(tmp_path):
    lines = states()
    lines[5] = lines[5].replace("line-west", "").replace("unit-7", "").replace("line-south", "")
    lines[5] = lines[5].replace("line-north", "")
    lines[9] = ",".join([*lines[9].split(",")[:2], "", *lines[9].split(",")[3:]])
    dataset = ingested(Home(tmp_path), lines, KNOWN | ASSESSED)
    built = DECLARED.observed_rows(dataset, observed_training.split_of(dataset, "stability"))
    assert (built.windows, built.without_features, built.without_truth) == (len(lines), 1, 1)


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (("nose", "sev", "nadir"), "tells no margin"),
        (("after",), "does not say what limits: worst_contingency is not mapped"),
        (("loading",), "reads loading_max_metered_pct of the table stability"),
    ],
)
def test_rows__a_table_that_tells_too_little__is_refused(tmp_path, without, said):
    columns = {name: column for name, column in (KNOWN | ASSESSED).items() if column not in without}
    dataset = ingested(Home(tmp_path), states()[:200], columns)
    with pytest.raises(DataError, match=said) as caught:
        rows_of(dataset)
    assert caught.value.remedy


def test_ingest__telemetry_of_elements__is_not_taken():
    with pytest.raises(IngestionError, match="stability takes no column bus_v_metered_pu"):
        parse_mapping(mapping({**KNOWN, **ASSESSED, "bus_v_metered_pu": "vmin"}))


def test_propose__usual_names__are_found(tmp_path):
    path = tmp_path / "dsa.csv"
    header = "time,Total load MW,Max line loading,Lowest voltage,Severity,Worst contingency,Nadir Hz"
    lines = [f"2024-01-01T{hour:02d}:00:00Z,6000,71,0.98,0.9,line-a,49.6" for hour in range(24)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    found = parse_mapping(propose([path], "stability", "centre"))
    assert {name: one.column for name, one in found.columns.items()} == {
        "load_metered_mw": "Total load MW",
        "loading_max_metered_pct": "Max line loading",
        "v_min_metered_pu": "Lowest voltage",
        "severity": "Severity",
        "worst_contingency": "Worst contingency",
        "nadir_hz": "Nadir Hz",
    }


def test_fitted__on_assessed_states__beats_the_rule_and_the_tree_and_names_what_limits(rows, fitted):
    test = rows.select(rows.split == TEST)
    by = answer_all(DECLARED, fitted, rows, test).by
    error = {name: DECLARED.metric("score_mae").of(answer, test) for name, answer in by.items()}
    assert error["model"] < min(error[THRESHOLDS], error[TREE3]), error
    assert DECLARED.metric("named_share").of(by["model"], test) > 0.9
    assert set(fitted.told) == set(np.flatnonzero(np.isfinite(rows.X).any(axis=0)).tolist())


def test_compiled__on_assessed_states__answers_from_what_the_table_tells_alone(rows, fitted, tmp_path):
    train, test = (rows.select(rows.split == one) for one in (TRAIN, TEST))
    parity = compilation.compile_into(DECLARED, fitted, test, tmp_path, train)
    assert parity.flips == 0
    spec = read_json(tmp_path / compilation.SPEC_FILE)
    must = set(spec["features"]) - set(spec["optional"])
    assert must == {*KNOWN, "infeed_loss_pu"}
    assert spec["requires"] == ["context.grid"]
    # What the model has never seen does not move its answer.
    model = CompiledModel((tmp_path / compilation.MODEL_FILE).read_bytes())
    X = test.inputs(DECLARED.features)
    np.testing.assert_array_equal(model(np.where(np.isnan(X), 7.0, X)), model(X))
    native = DECLARED.native(fitted, test)
    assert native.estimator.predict(native.example).shape == (len(test),)


@pytest.mark.slow
def test_train__on_assessed_states__registers_a_version_that_is_judged(home, rows):
    job = Job.of("tiny", str(home.root))
    record, none = observed.train(job, "grid_stability", "grid", trials=1)
    assert none is None
    assert record.result["version"]["name"] == "grid_stability.grid"
    report = observed.evaluate(job, "grid_stability", "grid")
    assert report.rows == int((rows.split == TEST).sum())
    figures = {(one.who, one.metric): one for one in report.figures}
    assert figures[THRESHOLDS, "score_mae"].ahead_low > 0
