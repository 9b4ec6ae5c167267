import numpy as np
import pytest

from data_contracts.quality_index import INDICATORS, unified
from models import quality_indicators, training
from models.graphs import INPUT, Graph
from models.maintenance.power_quality_index import DEFINITION, RECOMMENDATIONS
from models.quality_indicators import FEATURES, MOST, SHORT_SAG, STEP_PST, Readings
from models.runtime import CompiledModel
from models.symbols import Symbol
from serving.answers import build_decoder

NAME = "power_quality_index"
NEVER, ALWAYS = (-50.0, 0.0, 0.0), (50.0, 0.0, 0.0)
USUAL = {
    "v_a_pu": 1.02, "v_b_pu": 1.01, "v_c_pu": 0.99, "v_std_pu": 1e-4, "v_step_max_pu": 1e-3,
    "v_min_dip_pu": 2e-3, "v_max_rise_pu": 3e-3, "vuf_line_pct": 0.6, "v0_proxy_pct": 0.3,
    "thd_worst_pct": 2.0, "thd_mean_pct": 1.9, "thd_spread_pct": 0.2, "pst": 0.45, "f_dev_hz": -0.05,
    "f_std_hz": 0.01, "s_total_pu": 0.5, "hour_sin": 0.0, "hour_cos": 1.0, "v_min_limit_pu": 0.9,
    "v_max_limit_pu": 1.1, "vuf_limit_pct": 3.0, "thd_limit_pct": 5.0, "harmonic_limit_pct": 3.0,
    "pst_limit": 0.9, "f_dev_limit_hz": 0.5,
}  # fmt: skip


def estimate(sag=NEVER, **values):
    """Formula's index and indicators by name of one window that differs from the usual in `values`."""
    row = np.array([[(USUAL | values)[name] for name in FEATURES]])
    cut, shown, _ = quality_indicators.estimate(row, Readings(0.9, 80.0, sag))
    return cut[0, 0], dict(zip(INDICATORS, shown[0], strict=True))


@pytest.fixture(scope="module")
def pool(profile, folders):
    return training.load(DEFINITION, profile, folders)


def test_estimate__all_pst_is_flicker__is_the_published_formula():
    index, shown = estimate()
    assert shown == pytest.approx(
        {"voltage": 0.2, "unbalance": 0.2, "harmonics": 0.6, "flicker": 0.5, "events": 0.0, "frequency": 0.1},
        abs=1e-4,
    )
    assert index == pytest.approx(0.6, abs=1e-4)


def test_estimate__several_limits_exceeded__sums_what_goes_beyond():
    index, shown = estimate(vuf_line_pct=4.5, pst=1.35, v_c_pu=0.85)
    expected = unified(np.array([[shown[name] for name in INDICATORS]]))[0]
    assert index == pytest.approx(expected, abs=1e-3)
    assert index == pytest.approx(1 + 0.5 + 0.5 + 0.5, abs=1e-3)


def test_estimate__pst_of_a_single_step__is_the_sag_that_made_it():
    index, shown = estimate(sag=ALWAYS, pst=0.3 * STEP_PST)
    assert shown["events"] == pytest.approx(0.3 / SHORT_SAG, rel=1e-3)
    # What the half-cycle values show goes on as flicker.
    assert shown["flicker"] == pytest.approx(80.0 * 5e-3 / 0.9, abs=1e-2)
    assert index == pytest.approx(0.6, abs=1e-2)


def test_estimate__worst_there_can_be__is_cut():
    assert estimate(thd_worst_pct=80.0)[0] == MOST


def test_learn__flagged_rows_with_a_quiet_voltage__tells_sags_from_flicker(pool):
    train = pool.split(0)
    flagged = np.asarray(train.truth["flagged"], dtype=bool)
    known = quality_indicators.learn(
        train.inputs(FEATURES), flagged=flagged, pst=train.truth["quiet_pst"],
        single_share=train.truth["single_share"],
    )  # fmt: skip
    assert known.single_share == pytest.approx(0.85, abs=0.03)
    X = train.inputs(FEATURES)
    says = quality_indicators.sag_terms(X) @ np.array(known.sag[1:]) + known.sag[0] > 0
    assert (says == flagged).mean() > 0.95


@pytest.mark.parametrize("flagged", [False, True])
def test_learn__no_row_of_the_other_sort__has_an_opinion(flagged):
    X = np.array([[USUAL[name] for name in FEATURES]] * 4)
    same = np.full(4, flagged)
    known = quality_indicators.learn(X, flagged=same, pst=np.full(4, 0.4), single_share=np.full(4, 0.8))
    assert known.sag[0] == (10.0 if flagged else -10.0)
    assert not any(known.sag[1:])


def test_symbols__graph__gives_what_arrays_give(pool):
    X = pool.split(2).inputs(FEATURES)
    known = Readings(0.87, 50.0, (-3.0, 2.0, -1.0))
    graph = Graph()
    parts = quality_indicators.estimate(Symbol(graph, INPUT), known)
    graph.add("Concat", [part.name for part in parts], "all", axis=1)
    expected = np.concatenate(quality_indicators.estimate(X, known), axis=1)
    model = CompiledModel(graph.finish("test", X.shape[1], "all", expected.shape[1], double=True))
    np.testing.assert_allclose(model(X), expected, rtol=1e-12, atol=1e-12)


def test_decode__indicators_above_their_limits__come_first_things_first():
    decoder = {
        "scale": 30.0,
        "grades": ["excellent", "good", "fair", "poor"],
        "recommendations": list(RECOMMENDATIONS),
    }
    raw = np.array(
        [[2.0, 0.2, 1.4, 0.9, 1.6, 0.0, 0.1], [0.3, 0.1, 0.1, 0.29, 0.1, 0.0, 0.0], [9.0] + [0.5] * 6]
    )
    served = build_decoder(NAME, decoder, FEATURES, "1")(raw, np.zeros((3, len(FEATURES))))
    expected = DEFINITION.decode(decoder, raw, {})
    for one, other in zip(served, expected, strict=True):
        assert one.power_quality_index == other["power_quality_index"]
        assert one.quality_grade == other["quality_grade"]
        assert one.improvement_recommendations == other["improvement_recommendations"]
    assert expected[0]["improvement_recommendations"] == [RECOMMENDATIONS[3], RECOMMENDATIONS[1]]
    assert expected[1]["improvement_recommendations"] == [RECOMMENDATIONS[2]]
    assert [one["quality_grade"] for one in expected] == ["poor", "excellent", "poor"]
    assert expected[1]["power_quality_index"] == pytest.approx(91.0)
    assert expected[2]["power_quality_index"] == 0.0


def test_rows__windows_of_one_episode__share_the_true_ten_minutes(pool):
    rows = pool.training
    pair = np.array([f"{a} {b}" for a, b in zip(rows.episode.array(), rows.point.array(), strict=True)])
    for name in np.unique(pair)[:20]:
        assert np.unique(rows.truth["index"][pair == name]).size == 1
        assert (pair == name).sum() == 2


def test_train__synthetic_campaign__beats_the_formula_on_the_instruments(trained):
    figures = {
        row.metric: row for row in trained[NAME].rows if (row.substation, row.slice) == ("training", "all")
    }
    assert figures["r2"].value > 0.8
    assert figures["mae"].value < 0.7 * figures["mae"].opponent_value
