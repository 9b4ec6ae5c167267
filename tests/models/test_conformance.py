"""What must hold of every defined model, whatever it is."""

import json
import pickletools

import msgspec
import numpy as np
import optuna
import pytest

from data_contracts.answers import fields
from data_contracts.version import CONTRACT_VERSION
from features import ALL_INDEX
from models import compilation, registry
from models.catalogue import NAMES, definition
from models.evaluation import TREE3
from models.frequency_regimes import TRENDS
from models.pool import load
from models.runtime import CompiledModel
from models.sequences import HISTORY_NAMES
from models.splits import TEST, TRAIN, VALIDATION
from models.watched import FEATURES
from serving.drift import Watched
from serving.runtime import load_model
from serving.snapshot import PublishedModel, open_snapshot, write_snapshot
from switchyard.home import Home

pytestmark = pytest.mark.parametrize("name", NAMES)

# A plant that holds the highest voltage is lowered, or not, by the last bit of an output.
RESOLVED = {"slack_mw": 0.2, "cost_error_pct": 0.02}


@pytest.fixture
def declared(name):
    return definition(name)


@pytest.fixture(scope="module")
def pools():
    return {}


@pytest.fixture
def pool(declared, profile, folders, pools):
    """Read once a model: whoever asks for rows of a pool gets copies."""
    if declared.name not in pools:
        pools[declared.name] = load(declared, profile, folders)
    return pools[declared.name]


@pytest.fixture(scope="module")
def fits():
    return {}


@pytest.fixture
def fitted(declared, pool, fits):
    """Fitted once a model: nothing in a fitted model changes by being asked."""
    if declared.name not in fits:
        fits[declared.name] = declared.calibrate(
            declared.fit(pool.split(TRAIN), declared.defaults, 3), pool.split(VALIDATION)
        )
    return fits[declared.name]


def test_declaration__names__exist_where_they_point(declared):
    assert set(declared.features) <= set(ALL_INDEX)
    assert set(declared.context_features) <= {*ALL_INDEX, *HISTORY_NAMES}
    assert len(set(declared.features)) == len(declared.features)
    assert {output.name for output in declared.outputs} == {field.name for field in fields(declared.name)}
    metrics = {metric.name for metric in declared.metrics}
    assert declared.headline in metrics
    for output in declared.outputs:
        assert output.formula or (output.truth and output.metric in metrics)
    assert 1 <= declared.minimum_readings <= 10
    assert set(declared.one_of) <= set(declared.optional) <= set(declared.features)
    assert declared.proof in {"forecast", "estimator"}
    assert declared.limits


def test_bars__each__is_about_a_metric_and_names_opponents_that_exist(declared):
    metrics = {metric.name for metric in declared.metrics}
    assert declared.opponents
    assert declared.bars
    assert any(bar.rivals for bar in declared.bars)
    for bar in declared.bars:
        assert bar.metric in metrics
        assert bar.rivals <= {*declared.opponents, TREE3}
        assert bar.value is not None or bar.contains is not None or bar.rivals


def test_search_space__draws__have_the_defaults_names_and_fit(declared, pool):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(dict(declared.defaults))
    first = declared.suggest(study.ask())
    assert first == dict(declared.defaults)
    some = declared.subset(pool.split(TRAIN), 400, np.random.default_rng(0))
    for _ in range(3):
        drawn = declared.suggest(study.ask())
        assert set(drawn) == set(declared.defaults)
        assert np.isfinite(declared.score(declared.fit(some, drawn, 0), some))


def test_fit__same_rows_and_seed__answers_the_same(declared, pool, fitted):
    again = declared.calibrate(declared.fit(pool.split(TRAIN), declared.defaults, 3), pool.split(VALIDATION))
    rows = pool.split(TEST)
    one, other = declared.answer(fitted, rows), declared.answer(again, rows)
    for column, values in one.items():
        np.testing.assert_array_equal(values, other[column])


def test_rows__features__are_finite_unless_optional_and_windows_without_them_are_counted(declared, pool):
    required = [name for name in declared.columns if name not in declared.optional]
    assert np.isfinite(pool.training.inputs(required)).all()
    if declared.one_of:
        assert np.isfinite(pool.training.inputs(declared.one_of)).any(axis=1).all()
    assert pool.left_out >= 0


def test_compiled__held_out_rows__answers_as_the_fitted_model_and_as_the_wire_declares(
    declared, pool, fitted, tmp_path
):
    train = pool.split(TRAIN)
    parity = compilation.compile_into(declared, fitted, pool.split(TEST), tmp_path, train)
    assert parity.rows == len(pool.split(TEST))
    # No training row is a stranger to the model.
    spec = json.loads((tmp_path / compilation.SPEC_FILE).read_text())
    watched = msgspec.convert(spec["watched"], Watched)
    assert [one.name for one in watched.features] == list(FEATURES[declared.name])
    for one in (*watched.features, *watched.outputs):
        assert sum(one.shares) == pytest.approx(1.0, abs=1e-4)
    ranges = spec["seen"]
    assert len(ranges) == len(declared.features)
    for one, values in zip(ranges, train.inputs(declared.features).T, strict=True):
        low, high = one or (np.nan, np.nan)
        assert not np.any((values < low) | (values > high))
        assert one is not None or np.isnan(values).all()
    assert parity.flips == 0
    assert parity.largest <= compilation.TOLERANCE
    assert (tmp_path / compilation.MODEL_FILE).stat().st_size < 1_000_000


def test_compiled__answer_columns__are_those_that_the_definition_evaluates(declared, pool, fitted):
    """The figures of the report are figures of what is served."""
    rows = pool.split(TEST)
    compiled = declared.compile(fitted)
    raw = CompiledModel(compiled.onnx)(rows.inputs(declared.features))
    np.testing.assert_allclose(
        raw, declared.raw(fitted, rows.inputs(declared.features)), atol=compilation.TOLERANCE
    )
    answer = declared.answer(fitted, rows)
    decoded = declared.decode(compiled.decoder, raw, compilation.by_name(declared, rows))
    if "code" in answer:
        classes = declared.target.classes
        named = [classes[code] for code in answer["code"]]
        assert any([one.get(output.name) for one in decoded] == named for output in declared.outputs)
    if "thd" in answer:
        np.testing.assert_allclose([one["thd_estimate"] for one in decoded], answer["thd"], rtol=1e-9)
    if "detected" in answer:
        assert answer["detected"].tolist() == [one["anomaly_detected"] for one in decoded]
    if "trend" in answer:
        assert [TRENDS[code] for code in answer["trend"]] == [one["trend"] for one in decoded]


def test_served__compiled_output__gives_the_columns_that_the_fitted_model_answers(declared, pool, fitted):
    """Two versions are compared as they are served."""
    rows = pool.split(TEST)
    compiled = declared.compile(fitted)
    decoder = json.loads(json.dumps(compiled.decoder))
    raw = CompiledModel(compiled.onnx)(rows.inputs(declared.features))
    answer, served = declared.answer(fitted, rows), declared.served(decoder, raw, rows)
    assert set(served) <= set(answer)
    assert set(declared.metric(declared.headline).needs) <= set(served)
    for column, values in served.items():
        expected = np.asarray(answer[column])
        if expected.dtype.kind == "f":
            near = RESOLVED.get(column, 2e-5)
            np.testing.assert_allclose(values, expected, rtol=near, atol=near, err_msg=column)
        else:
            np.testing.assert_array_equal(values, expected, err_msg=column)


def test_compiled__one_at_a_time__gives_the_batchs_output(declared, pool, fitted):
    model = CompiledModel(declared.compile(fitted).onnx)
    X = pool.split(TEST).inputs(declared.features)[:40]
    single = np.concatenate([model(row[None]) for row in X])
    np.testing.assert_allclose(single, model(X), atol=1e-7)


def test_spec_and_golden__of_the_champion__are_json_and_hold(trained, campaign, declared, tmp_path):
    folder = registry.download_compiled(campaign, declared.name, "champion", tmp_path / "got")
    spec = json.loads((folder / "spec.json").read_text(), parse_constant=pytest.fail)
    golden = json.loads((folder / "golden.json").read_text(), parse_constant=pytest.fail)
    assert spec["features"] == list(declared.features)
    assert spec["declaration"] == declared.version
    raw = CompiledModel((folder / "model.onnx").read_bytes())(np.array(golden["features"], dtype=float))
    np.testing.assert_allclose(raw, golden["raw"], atol=1e-9)
    columns = dict(zip(spec["features"], np.array(golden["features"], dtype=float).T, strict=True))
    assert declared.decode(spec["decoder"], raw, columns) == golden["answers"]
    assert len(golden["answers"]) == compilation.GOLDEN_ROWS


def test_version__published__is_proven_by_serving(trained, campaign, declared, tmp_path):
    """Graph, specification and serving's own decoder give the golden answers."""
    from features import catalogue_digest

    folder = registry.download_compiled(campaign, declared.name, "champion", tmp_path / "got")
    home = Home(tmp_path / "home")
    name = write_snapshot(
        home,
        [PublishedModel(declared.name, "1", folder)],
        {},
        catalogue_digest=catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    snapshot = open_snapshot(home, name)
    assert load_model(snapshot, snapshot.manifest.models[0]).version == f"{declared.name}:1"


# pickletools takes any text for escaped strings on its way to finding that a file is no pickle.
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_version__its_files__hold_no_pickle(trained, campaign, declared):
    folder = (
        campaign.artifacts / declared.name / "models" / trained[declared.name].version.model_id / "artifacts"
    )
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = {"model.skops", "data/model.keras", "model.ubj"}
    assert len(kept & {str(path.relative_to(folder)) for path in files}) == 1
    for path in files:
        assert path.suffix not in {".pkl", ".pickle", ".joblib"}
        with pytest.raises(ValueError), path.open("rb") as handle:  # noqa: PT011
            for _ in pickletools.genops(handle):
                pass
