import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.dataset import Dataset
from data_contracts.quality_index import INDICATORS, unified
from models import quality_events, quality_indicators
from models.graphs import INPUT, Graph
from models.maintenance.power_quality_index import DEFINITION, RECOMMENDATIONS
from models.pool import load
from models.quality_indicators import FEATURES, MOST, STEP_PST, Readings
from models.runtime import CompiledModel
from models.symbols import Symbol
from serving.answers import build_decoder

NAME = "power_quality_index"
USUAL = {
    "v_a_pu": 1.02, "v_b_pu": 1.01, "v_c_pu": 0.99, "v_std_pu": 1e-4, "v_step_max_pu": 1e-3,
    "v_min_dip_pu": 2e-3, "v_max_rise_pu": 3e-3, "vuf_line_pct": 0.6, "v0_proxy_pct": 0.3,
    "thd_worst_pct": 2.0, "thd_mean_pct": 1.9, "thd_spread_pct": 0.2, "pst": 0.45, "f_dev_hz": -0.05,
    "f_std_hz": 0.01, "s_total_pu": 0.5, "event_severity_10min": 0.0, "event_depth_10min_pct": 0.0,
    "v_min_limit_pu": 0.9, "v_max_limit_pu": 1.1, "vuf_limit_pct": 3.0, "thd_limit_pct": 5.0,
    "harmonic_limit_pct": 3.0, "pst_limit": 0.9, "f_dev_limit_hz": 0.5,
}  # fmt: skip


def estimate(**values):
    """Formula's index and indicators by name of one window that differs from the usual in `values`."""
    row = np.array([[(USUAL | values)[name] for name in FEATURES]])
    cut, shown, _ = quality_indicators.estimate(row, Readings(0.9, 80.0))
    return cut[0, 0], dict(zip(INDICATORS, shown[0], strict=True))


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


def test_estimate__nothing_logged__is_the_published_formula():
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


def test_estimate__logged_sag__counts_and_spoils_pst():
    index, shown = estimate(event_severity_10min=0.7, event_depth_10min_pct=35.0, pst=0.36 * STEP_PST)
    assert shown["events"] == 0.7
    # What the half-cycle values show goes on as flicker.
    assert shown["flicker"] == pytest.approx(80.0 * 5e-3 / 0.9, abs=1e-9)
    assert index == pytest.approx(0.7)


def test_estimate__logged_sag_in_the_window__does_not_count_as_flicker():
    values = {"event_severity_10min": 0.7, "event_depth_10min_pct": 35.0, "pst": 6.0, "v_min_dip_pu": 0.3}
    index, shown = estimate(**values)
    assert shown["flicker"] == pytest.approx(0.0, abs=1e-9)
    assert index == pytest.approx(0.7)


def test_estimate__logged_sag__leaves_the_pst_beyond_its_step():
    row = [[(USUAL | {"event_severity_10min": 0.2, "event_depth_10min_pct": 10.0, "pst": 2.4})[name]
            for name in FEATURES]]  # fmt: skip
    inputs = quality_indicators.estimate(np.array(row), Readings(0.9, 80.0))[2][0]
    left = np.cbrt(2.4**3 - (0.1 * STEP_PST) ** 3) / 0.9
    assert inputs[6] == pytest.approx(left, rel=1e-9)


def test_estimate__worst_there_can_be__is_cut():
    assert estimate(thd_worst_pct=80.0)[0] == MOST


def test_learn__campaign__finds_the_constants(pool):
    train = pool.split(0)
    flagged = np.asarray(train.truth["flagged"], dtype=bool)
    known = quality_indicators.learn(
        train.inputs(FEATURES), flagged=flagged, pst=train.truth["quiet_pst"],
        single_share=train.truth["single_share"],
    )  # fmt: skip
    assert known.single_share == pytest.approx(0.85, abs=0.03)
    # Half-cycle values lie 2 % of Pst apart.
    assert known.flicker == pytest.approx(50.0, rel=0.3)


def test_learn__all_rows_flagged__takes_all_pst_for_flicker():
    X = np.array([[USUAL[name] for name in FEATURES]] * 4)
    known = quality_indicators.learn(
        X, flagged=np.ones(4, dtype=bool), pst=np.full(4, 0.4), single_share=np.full(4, 0.8)
    )
    assert known == Readings(0.8, quality_indicators.UNTOLD)


def test_symbols__graph__gives_what_arrays_give(pool):
    X = pool.split(2).inputs(FEATURES)
    known = Readings(0.87, 50.0)
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


def test_rows__campaign__hold_what_the_meter_has_logged(pool):
    rows = pool.training
    severity, depth = rows.column("event_severity_10min"), rows.column("event_depth_10min_pct")
    flagged = np.asarray(rows.truth["flagged"], dtype=bool)
    assert ((severity > 0) == flagged).all()
    assert (depth[flagged] > 13.9).all()
    assert not depth[~flagged].any()


def logged_of(tmp_path, **columns):
    """Three intervals with an event, of which the columns say more; it begins at their 595th second."""
    table = {
        "scenario_id": ["a", "b", "c"],
        "point": ["LV1"] * 3,
        "t": pa.array([0, 600_000, 1_200_000], pa.timestamp("ms", tz="UTC")),
        "u_min_pu": [0.5, 0.98, 0.98], "u_max_pu": [1.02, 1.4, 1.02], "event_s": [0.3, 0.1, 0.0],
        "swells": [0, 1, 0],
    } | columns  # fmt: skip
    told = {"scenario_id": ["a", "b", "c"], "parameters": ['{"start_s": 595.0}', '{"start_s": 595.0}', "{}"]}
    for name, content in (("power_quality", table), ("scenarios", told)):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table(content), tmp_path / name / "quality-00000.parquet")
    Dataset.write_manifest(tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest="0" * 64)
    return quality_events.logged(Dataset.open(tmp_path))


def test_logged__sag_and_swell__are_within_the_class(tmp_path):
    found = logged_of(tmp_path)
    assert [[kind for kind, *_ in found.told(row)] for row in range(3)] == [["sag"], ["swell"], []]
    np.testing.assert_allclose(found.depth_pct[[0, 1], [0, 1]], [50.0, 40.0], atol=1.0)
    np.testing.assert_allclose(found.duration_ms[[0, 1], [0, 1]], [300.0, 100.0], atol=20.1)


def test_logged__before_and_after_the_event__only_the_later_window_knows(tmp_path):
    found = logged_of(tmp_path)
    before, after = found.features(np.array([0, 0]), np.array([589.0, 599.0]))
    assert not before.any()
    assert after[0] == pytest.approx(0.5 / 0.3, rel=0.03)


def test_logged__voltage_about_the_threshold__is_logged_or_not_by_the_meters_error(tmp_path):
    names, low = [f"s{k}" for k in range(60)], np.full(60, 0.9)
    table = {
        "scenario_id": names, "point": ["LV1"] * 60, "u_min_pu": low, "u_max_pu": low, "event_s": low,
        "swells": np.zeros(60), "t": pa.array(np.zeros(60, dtype=np.int64), pa.timestamp("ms", tz="UTC")),
    }  # fmt: skip
    found = logged_of(tmp_path, **table)
    seen = np.isfinite(found.at_s[:, 0])
    assert 15 < seen.sum() < 45
    assert (found.depth_pct[seen, 0] >= 10.0).all()
