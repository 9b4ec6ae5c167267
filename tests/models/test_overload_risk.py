"""Levels, cuts and the choice of rows of `overload_risk`."""

from dataclasses import replace

import numpy as np
import pytest

from models.hot_spot_levels import CRITICAL, LIMITS_C, OVER, Cuts, level_of, levels_cut
from models.known_transformers import EQUIPMENT
from models.maintenance.overload_risk import DEFINITION, OverloadMachines
from models.metrics import Metric
from models.overload_rivals import CORRECTED, HOT_C
from models.overload_rows import AHEAD, DAY_AGO, NEAR_C, NEAR_SHARE
from models.rows import Names, Rows
from models.support_vectors import Machine
from models.thermal_rows import AHEAD_MIN

N = 600


@pytest.fixture
def rng():
    return np.random.default_rng(21)


@pytest.fixture
def rows(rng):
    """Hot spots from 60 to 160 °C around the standard's; the day before is known to every other row."""
    X = rng.normal(size=(N, len(DEFINITION.features)))
    held = rng.uniform(60.0, 160.0, N)
    X[:, DEFINITION.features.index(AHEAD)] = held
    X[:, -len(EQUIPMENT) :] = rng.normal(size=(4, len(EQUIPMENT)))[np.arange(N) // 3 % 4]
    X[1::2, [DEFINITION.features.index(name) for name in DAY_AGO]] = np.nan
    X[:, DEFINITION.features.index("top_oil_c")] = held - 25.0
    X[:, DEFINITION.features.index("ambient_c")] = 30.0
    hottest = held + 3.0 + rng.normal(0.0, 2.0, N)
    code = level_of(hottest)
    truth = {
        "hottest_c": hottest,
        "code": code,
        "critical": code == CRITICAL,
        "over": code >= OVER,
        "counted": np.ones(N, dtype=bool),
        "day_known": np.arange(N) % 2 == 0,
        "hours_known": np.arange(N) % 2 == 1,
        "exceeds": hottest > LIMITS_C[1],
        "minutes": np.where(hottest > LIMITS_C[1], np.clip(150.0 - hottest, 1.0, 60.0), float(AHEAD_MIN)),
        "stage": np.full(N, 2),
        "stage_load_pu": np.full(N, 1.0),
        "loss_ratio": np.full(N, 6.0),
    }
    one = Names(np.zeros(N, dtype=np.int64), ("mumbai",))
    return Rows(
        columns=DEFINITION.columns,
        X=X,
        truth=truth,
        substation=one,
        episode=Names(np.arange(N) % 12, tuple(f"e{k}" for k in range(12))),
        kind=one,
        point=one,
        point_kind=Names(np.zeros(N, dtype=np.int64), ("transformer_bay",)),
        t=np.arange(N, dtype=np.float64),
        split=np.zeros(N, dtype=np.int8),
    )


@pytest.fixture
def fitted(rows):
    return DEFINITION.calibrate(DEFINITION.fit(rows, DEFINITION.defaults, 3), rows)


def silent(rows):
    """A machine that always says 0."""
    p = len(DEFINITION.features)
    return Machine(np.zeros(p), np.ones(p), np.zeros((1, p)), np.zeros(1), 0.0, 1.0)


def test_level_of__limits__belong_to_the_level_above():
    np.testing.assert_array_equal(level_of(np.array([97.9, 98.0, 119.9, 120.0, 140.0])), [0, 1, 1, 2, 3])


def test_answer__machine_that_says_nothing__leaves_the_standards_forecast(rows):
    answer = DEFINITION.answer(OverloadMachines(silent(rows), silent(rows)), rows)

    np.testing.assert_array_equal(answer["hottest_c"], rows.column(AHEAD))
    np.testing.assert_array_equal(answer["code"], level_of(rows.column(AHEAD)))
    assert (answer["minutes"] == 1.0).all()


def test_fit__what_the_standard_misses__is_learnt(rows, fitted):
    answer = DEFINITION.answer(fitted, rows)

    error = answer["hottest_c"] - rows.truth["hottest_c"]
    assert abs(error.mean()) < 1.0
    assert metric("macro_f1").of(answer, rows) > metric("macro_f1").of(
        DEFINITION.answer(OverloadMachines(silent(rows), silent(rows)), rows), rows
    )


def metric(name) -> Metric:
    return DEFINITION.metric(name)


def test_calibrate__levels__rise_and_critical_hours_are_found(rows, fitted):
    for cuts in fitted.cuts:
        assert list(cuts.levels_c) == sorted(cuts.levels_c)
        assert cuts.score[0] > 0
    answer = DEFINITION.answer(fitted, rows)
    assert metric("critical_recall").of(answer, rows) >= 0.95
    assert metric("critical_recall_4h").of(answer, rows) >= 0.95


def test_calibrate__one_form_only__serves_both(rows, fitted):
    known = rows.select(np.asarray(rows.truth["day_known"]))

    first, second = DEFINITION.calibrate(fitted, known).cuts

    assert first == second


def test_answer__day_before__decides_which_cuts_hold(rows):
    bare = OverloadMachines(silent(rows), silent(rows))
    one, other = Cuts((98.0, 120.0, 140.0)), Cuts((1e3, 1e3, 1e3))

    code = DEFINITION.answer(replace(bare, cuts=(one, other)), rows)["code"]

    known = np.asarray(rows.truth["day_known"])
    np.testing.assert_array_equal(code[known], level_of(rows.column(AHEAD)[known]))
    assert not code[~known].any()


def test_metrics__rows_without_the_day_before__are_counted_apart(rows, fitted):
    answer = dict(DEFINITION.answer(fitted, rows))
    answer["code"] = np.where(rows.truth["day_known"], rows.truth["code"], 0)

    assert metric("macro_f1").of(answer, rows) == 1.0
    assert metric("macro_f1_4h").of(answer, rows) < 0.5


def test_subset__most_rows__lie_near_a_limit(rows, rng):
    some = DEFINITION.subset(rows, 200, rng)

    assert 180 <= len(some) <= 200
    near = some.column(AHEAD) >= NEAR_C
    assert near.mean() == pytest.approx(NEAR_SHARE, abs=0.05)


def test_fit__nothing_ever_too_hot__still_answers(rows):
    cool = rows.select(np.asarray(rows.truth["hottest_c"]) < 90.0)

    answer = DEFINITION.answer(DEFINITION.calibrate(DEFINITION.fit(cool, DEFINITION.defaults, 3), cool), cool)

    assert not answer["code"].any()
    assert np.isfinite(answer["probability"]).all()


def test_opponent__corrected__misses_nothing_in_the_mean_where_it_is_hot(rows):
    near = rows.select(np.asarray(rows.truth["hottest_c"]) >= HOT_C)

    found = DEFINITION.opponent(CORRECTED, rows, rows, near)["hottest_c"]

    assert abs(float(np.mean(found - near.truth["hottest_c"]))) < 1e-9


def test_raw__missing_day_before__is_as_the_graph_answers(rows, fitted):
    from models.runtime import CompiledModel

    X = rows.inputs(DEFINITION.features)

    np.testing.assert_allclose(
        CompiledModel(DEFINITION.compile(fitted).onnx)(X), DEFINITION.raw(fitted, X), rtol=0, atol=1e-9
    )


def test_answer__transformer_that_nobody_knows__is_taken_for_their_mean(rows, fitted):
    from models.runtime import CompiledModel

    X = rows.inputs(DEFINITION.features)
    strangers, nobodys = X.copy(), X.copy()
    strangers[:, -len(EQUIPMENT) :] += 0.5
    nobodys[:, -len(EQUIPMENT) :] = np.nan

    graph = CompiledModel(DEFINITION.compile(fitted).onnx)

    np.testing.assert_array_equal(DEFINITION.raw(fitted, strangers), DEFINITION.raw(fitted, nobodys))
    np.testing.assert_allclose(graph(strangers), DEFINITION.raw(fitted, strangers), rtol=0, atol=1e-9)
    assert np.abs(DEFINITION.raw(fitted, X) - DEFINITION.raw(fitted, nobodys)).max() > 0.1


def test_fit__gradients_of_their_own__are_told_apart(rows):
    own = 8.0 * np.where(rows.column(EQUIPMENT[0]) > 0, 1.0, -1.0)
    hottest = rows.column(AHEAD) + own
    shifted = replace(rows, truth={**rows.truth, "hottest_c": hottest})

    found = DEFINITION.answer(DEFINITION.fit(shifted, DEFINITION.defaults, 3), shifted)["hottest_c"]

    assert np.abs(found - hottest).mean() < 2.5


def test_levels_cut__two_overlapping_levels__recall_and_precision_keep_from_their_bars():
    rng = np.random.default_rng(4)
    true = rng.uniform(80.0, 160.0, 20_000)
    estimate, code = true + rng.normal(0.0, 2.0, true.size), level_of(true)

    cut = levels_cut((estimate, code), (estimate, code))[0].levels_c[2]

    says, critical = estimate >= cut, code == CRITICAL
    assert (says & critical).sum() / critical.sum() > 0.97
    assert (says & critical).sum() / says.sum() > 0.73


def test_calibrate__rows_that_were_learnt_from__are_judged_by_machines_that_have_not_seen_them(rows, fitted):
    assert fitted.learnt is None
    few = rows.select(np.arange(N) < 30)

    with_training = DEFINITION.calibrate(DEFINITION.fit(rows, DEFINITION.defaults, 3), few).cuts
    alone = DEFINITION.calibrate(replace(DEFINITION.fit(rows, DEFINITION.defaults, 3), learnt=None), few).cuts

    assert with_training != alone


def test_decode__time_to_overload__only_where_the_level_is_high_or_critical(rows, fitted):
    compiled = DEFINITION.compile(fitted)
    raw = DEFINITION.raw(fitted, rows.inputs(DEFINITION.features))
    columns = {name: rows.column(name) for name in DEFINITION.features}

    for answer in DEFINITION.decode(compiled.decoder, raw, columns):
        hot = answer["risk_level"] in {"high", "critical"}
        assert (answer["time_to_overload"] is not None) == hot
        assert not hot or 1.0 <= answer["time_to_overload"] <= AHEAD_MIN
