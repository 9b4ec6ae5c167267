"""`load_forecast` by a weighted mean: weather of rows and of requests, trees, weights, and the one graph."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
from data_contracts.dataset import MANIFEST, SCHEMA, Dataset, Manifest, content_digest, scan
from data_contracts.facts import PointFacts
from data_contracts.observed import Observed, ObservedTable
from data_contracts.version import CONTRACT_VERSION
from data_contracts.wire.request import Item
from data_contracts.wire.rows import pack
from features import PointNominals
from features.context import CONTEXT_NAMES, GROUP_OF, context_block
from features.online import windows_from_rows
from models import compilation, load_inputs, load_trees, load_weather, n_beats, observed_training
from models.catalogue import definition
from models.energy.load_forecast_combined import DEFINITION, TRUE_WEATHER
from models.errors import DataError, ModelError
from models.load_combination import MEMBERS, CombinedLoad, of_week, weigh
from models.load_inputs import HORIZONS, INDEX, KNOWN, WEATHER
from models.load_intervals import Intervals
from models.n_beats_model import SHAPE, NBeatsModel
from models.observed_load import means
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.files import write_json_atomic
from switchyard.home import Home

START = datetime(2021, 1, 4, tzinfo=UTC).timestamp()
DAY_S, QUARTER_S = 86_400.0, 900.0
RATED_W = 5e6
AMBIENT, IRRADIANCE = INDEX["ambient_c"], INDEX["ghi_w_m2"]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def wind_of(rng, n):
    """Weather that wanders, and the load of a feeder with wind power behind its meter, W."""
    wind = 6.0 + 3.0 * np.convolve(rng.normal(size=n + 95), np.ones(96) / np.sqrt(96), "valid")
    wind = np.clip(wind, 0.0, 20.0)
    turn = 2 * np.pi * np.arange(n) / 96
    return wind, 1e6 * (3.0 + np.sin(turn) - 0.2 * wind + 0.05 * rng.normal(size=n))


def write(home, name, rng, *, weather=True):
    """Seventy days of a feeder by the quarter of an hour, as `switchyard ingest` leaves them."""
    folder, n = home.dataset(name), 70 * 96
    wind, p_w = wind_of(rng, n)
    wind[:3] = np.nan
    t = START + QUARTER_S * np.arange(n)
    nothing = pa.array([None] * n, pa.float64())
    columns = {
        "substation": ["town"] * n,
        "point": ["a"] * n,
        "t": pa.array((1000 * t).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "p_w": p_w,
        "ambient_c": 10.0 + np.cos(2 * np.pi * np.arange(n) / 960) if weather else nothing,
        "ghi_w_m2": nothing,
        "wind_m_s": wind if weather else nothing,
        "holiday": pa.array([None] * n, pa.bool_()),
    }
    (folder / "load").mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "load" / f"a-{0:012d}.parquet")
    first, last = (datetime.fromtimestamp(one, UTC).isoformat() for one in (t[0], t[-1]))
    filled = ("ambient_c", "p_w", "wind_m_s") if weather else ("p_w",)
    known = ObservedTable(
        step_s=QUARTER_S, first=first, last=last, columns=filled, sources=(), quarantined=0, gaps=0,
        missing_steps=0, mapping_sha256="",
    )  # fmt: skip
    parts = {"load": scan(folder / "load")}
    point = PointFacts(nominal_kv=20.0, rated_a=0.0, rated_mva=RATED_W / 1e6)
    manifest = Manifest(
        schema=SCHEMA, dataset=name, substation="town", profile="ingested", seed=0, circuit_digest="",
        contract_version=CONTRACT_VERSION, tables=parts, digest=content_digest(parts), origin="ingested",
        observed=Observed(frequency_hz=50.0, time_zone="UTC", points={"a": point}, tables={"load": known}),
    )  # fmt: skip
    write_json_atomic(folder / MANIFEST, msgspec.to_builtins(manifest))
    return Dataset.open(folder), t, p_w, wind


@pytest.fixture
def windy(tmp_path, rng):
    return write(Home(tmp_path), "windy", rng)


def rows_of(dataset, declared=DEFINITION):
    return declared.observed_rows(dataset, observed_training.split_of(dataset, "load")).rows


def inputs(rng, n):
    """Inputs of a feeder whose load comes down by what its irradiance exceeds an hour ago's."""
    X = 0.4 + 0.1 * rng.normal(size=(n, len(INDEX)))
    turn = rng.uniform(0, 2 * np.pi, n)
    X[:, INDEX["hour_sin"]], X[:, INDEX["hour_cos"]] = np.sin(turn), np.cos(turn)
    X[:, INDEX["load_week_level_pu"]] = rng.uniform(0.3, 0.6, n)
    X[:, AMBIENT], X[:, IRRADIANCE] = np.nan, rng.uniform(0, 800, n)
    X[:, INDEX["wind_m_s"]] = np.nan
    return X


def target(X):
    near = X[:, load_inputs.places(load_inputs.NEAREST)]
    return near - load_inputs.level(X) * X[:, [IRRADIANCE]] / 2000.0


@pytest.fixture
def combined(rng):
    """A combination of drawn members of which each counts."""
    drawn = tuple(
        (array + rng.normal(0, 0.05, array.shape)).astype(np.float32) for array in n_beats.initial(SHAPE, 1)
    )
    intervals = Intervals(rng.uniform(0.01, 0.02, (24, 3)), np.ones(3))
    network = NBeatsModel(drawn, 0.3, rng.normal(size=KNOWN), rng.uniform(1, 2, KNOWN), intervals)
    X = inputs(rng, 1500)
    weights = rng.dirichlet(np.ones(len(MEMBERS)), size=len(HORIZONS)).T
    return CombinedLoad(network, load_trees.fit(X, target(X), 1), weights, intervals)


def test_means__of_half_hours_with_one_unknown__leave_its_quarters_unknown():
    found = means(1800.0 * np.arange(3), np.array([1.0, np.nan, 3.0]), 1800.0)
    np.testing.assert_array_equal(found, [1, 1, np.nan, np.nan, 3, 3])


def test_rows__of_a_dataset_with_weather__have_that_of_the_newest_step_and_the_truth_that_came(windy):
    dataset, t, p_w, wind = windy
    rows = rows_of(dataset)
    at = np.searchsorted(t, rows.t - QUARTER_S)
    np.testing.assert_allclose(rows.column("wind_m_s"), wind[at])
    np.testing.assert_allclose(rows.column("load_quarter_0_pu"), p_w[at] / RATED_W)
    assert np.isnan(rows.column("ghi_w_m2")).all()
    for name, step in (("15min", 1), ("1h", 4), ("24h", 96)):
        np.testing.assert_allclose(rows.truth[f"p_{name}"], p_w[at + step] / RATED_W)
        np.testing.assert_allclose(rows.truth[f"wind_m_s_{name}"], wind[at + step])
        np.testing.assert_allclose(rows.truth[f"wind_m_s_week_before_{name}"], wind[at + step - 672])
        told = load_weather.came(rows, name, ("wind_m_s",))
        np.testing.assert_allclose(told[:, 1], wind[at + step] - wind[at])
    assert load_weather.known(rows.inputs(DEFINITION.features)) == ("ambient_c", "wind_m_s")


def test_rows__for_the_algorithms_without_weather__are_as_they_were(windy):
    dataset, *_ = windy
    mine = rows_of(dataset)
    for name in ("", "n_beats"):
        other = definition("load_forecast", name)
        theirs = rows_of(dataset, other)
        np.testing.assert_array_equal(theirs.X, mine.inputs(other.features))
        np.testing.assert_array_equal(theirs.t, mine.t)
        assert not any(column.startswith(WEATHER) for column in theirs.truth)


def test_inputs__of_a_request__are_those_of_the_row(windy):
    dataset, t, p_w, wind = windy
    rows = rows_of(dataset)
    row = rows.select(np.flatnonzero(rows.split == TEST)[:1])
    end = int(np.searchsorted(t, row.t[0] - QUARTER_S)) + 1
    when = datetime.fromtimestamp(row.t[0], UTC).isoformat()
    powers = (float(p_w[end - 1]) / 3.0,) * 3
    asked = {
        "substation": "town",
        "point": "a",
        "readings": [{"t": when, "v": [1e4] * 3, "i": [1.0] * 3, "p": powers, "q": [0.0] * 3, "f": 50.0}],
        "load_history": {"step_s": 900, "end": when, "p": p_w[end - 768 : end].tolist()},
        "context": {"ambient_c": 10.0, "weather": {"wind_m_s": float(wind[end - 1])}, "holidays": []},
    }
    item = msgspec.convert(asked, Item)
    nominals = PointNominals(
        v_nom_v=20e3 / np.sqrt(3.0), i_rated_a=1.0, s_rated_va=RATED_W, f_nom_hz=50.0, utc_offset_s=0
    )
    windows = windows_from_rows(pack([item]), [nominals])
    groups = {GROUP_OF[name] for name in DEFINITION.features if name in GROUP_OF}
    found = dict(zip(CONTEXT_NAMES, context_block([item], windows, groups)[0], strict=True))
    found |= dict(zip(features.NAMES, features.compute(windows)[0], strict=True))
    for name in DEFINITION.features:
        expected = 10.0 if name == "ambient_c" else row.column(name)[0]
        assert found[name] == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), name


def test_trees__told_the_weather__follow_it_and_do_without_it_where_it_is_not_told(rng):
    X = inputs(rng, 3000)
    trees = load_trees.fit(X, target(X), 1)
    other = inputs(rng, 500)
    blind = other.copy()
    blind[:, load_inputs.places(WEATHER)] = np.nan
    near = other[:, load_inputs.places(load_inputs.NEAREST)]
    error = {
        name: np.abs(said - target(other)).mean()
        for name, said in (("told", trees.predict(other)), ("blind", trees.predict(blind)), ("none", near))
    }
    assert error["told"] < 0.25 * error["blind"]
    # Without the weather the mean change is foretold.
    assert error["blind"] < 0.75 * error["none"]


def test_weigh__known_errors__finds_the_best_mean(rng):
    wanted = rng.normal(size=4000)
    apart = rng.normal(size=4000)
    said = np.stack([wanted + apart, wanted - apart, wanted + 3.0, wanted - 5.0])
    np.testing.assert_allclose(weigh(said, wanted), [0.5, 0.5, 0, 0])
    np.testing.assert_allclose(weigh(np.stack([wanted + 3.0, wanted]), wanted), [0, 1])
    # Of members that say the same, the first is taken.
    np.testing.assert_allclose(weigh(np.stack([wanted, wanted]), wanted), [1, 0])


def test_week__hours_that_say_their_own_number__is_the_mean_of_the_days_at_the_horizons_hour():
    hours = np.arange(168.0)
    # What follows now lay in hours 0, 24, …, 144; what ends at this time tomorrow in 23, 47, …, 167.
    np.testing.assert_allclose(hours @ of_week(), [72.0, 72.0, 95.0])


def test_graph__every_member__answers_as_the_model_with_and_without_weather(combined, rng):
    X = inputs(rng, 400)
    X[::3, AMBIENT] = rng.uniform(-5, 30, len(X[::3]))
    X[1::3, load_inputs.places(WEATHER)] = np.nan
    graph = CompiledModel(combined.graph("load_forecast", X.shape[1]))
    np.testing.assert_allclose(graph(X), combined.predict(X), atol=2e-6)
    said = combined.members(X)
    assert said.shape == (len(MEMBERS), 400, 3)
    assert np.abs(combined.predict(X) - said).max(axis=(1, 2)).min() > 1e-3


@pytest.mark.slow
def test_definition__on_a_dataset__is_trained_compiled_and_judged_beside_true_weather(windy, tmp_path):
    dataset, *_ = windy
    rows = rows_of(dataset)
    train, validation, test = (rows.select(rows.split == one) for one in (TRAIN, VALIDATION, TEST))
    some = DEFINITION.subset(train, 1500, np.random.default_rng(0))
    bare = DEFINITION.fit(some, {**DEFINITION.defaults, "epochs": 2}, 3)
    fitted = DEFINITION.calibrate(bare, validation)
    np.testing.assert_allclose(fitted.weights.sum(axis=0), 1.0)
    parity = compilation.compile_into(DEFINITION, fitted, test, tmp_path, train)
    assert parity.flips == 0
    compiled = DEFINITION.compile(fitted)
    raw = CompiledModel(compiled.onnx)(test.inputs(DEFINITION.features))
    answer, served = DEFINITION.answer(fitted, test), DEFINITION.served(compiled.decoder, raw, test)
    for name, values in answer.items():
        np.testing.assert_allclose(served[name], values, atol=2e-5)
    spec = compilation.spec(DEFINITION, compiled, train)
    assert spec["requires"] == ["load_history"]
    assert set(WEATHER) <= set(spec["optional"])
    wape = DEFINITION.metric("wape_24h")
    error = {
        name: wape.of(DEFINITION.opponent(name, train, validation, test), test)
        for name in (*DEFINITION.opponents, *DEFINITION.references)
    }
    # Half of what moves this load is the wind to come.
    assert error[TRUE_WEATHER] < 0.6 * error["boosted_lags"]
    # On the days that chose the weights, no member alone is better.
    wanted = np.stack([validation.truth[f"p_{name}"] for name in HORIZONS], axis=1)
    X = validation.inputs(DEFINITION.features)
    alone = np.abs(fitted.members(X) - wanted).sum(axis=1)
    assert np.all(np.abs(fitted.predict(X) - wanted).sum(axis=0) <= alone.min(axis=0) * 1.001)
    assert DEFINITION.native(fitted, test) is None
    assert "Weather is that of now" in DEFINITION.limits
    with pytest.raises(ModelError, match="no combination"):
        DEFINITION.calibrate(fitted.network, validation)


def test_opponents__of_a_dataset_without_weather__are_those_of_the_load_alone(tmp_path, rng):
    dataset, *_ = write(Home(tmp_path), "calm", rng, weather=False)
    rows = rows_of(dataset)
    train, test = (rows.select(rows.split == one) for one in (TRAIN, TEST))
    assert DEFINITION.opponent(TRUE_WEATHER, train, train, test) == {}
    first = definition("load_forecast")
    mine, theirs = (
        of.opponent("boosted_lags", *parts)
        for of, parts in (
            (DEFINITION, (train, train, test)),
            (first, [part.select(np.ones(len(part), dtype=bool)) for part in (train, train, test)]),
        )
    )
    for name, values in mine.items():
        np.testing.assert_array_equal(values, theirs[name])


def test_suited__dataset_with_weather__is_learnt_by_the_algorithm_that_reads_it(windy, tmp_path, rng):
    dataset, *_ = windy
    calm, *_ = write(Home(tmp_path), "calm", rng, weather=False)
    assert observed_training.suited(dataset, "load_forecast") == "combined"
    assert observed_training.suited(calm, "load_forecast") == ""
    assert observed_training.suited(calm, "load_forecast", "combined") == "combined"
    assert observed_training.suited(dataset, "load_forecast", "first") == ""
    assert observed_training.suited(dataset, "load_forecast", "n_beats") == "n_beats"
    with pytest.raises(DataError, match="voltage_sag cannot be trained"):
        observed_training.suited(dataset, "voltage_sag")
