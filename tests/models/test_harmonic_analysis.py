import numpy as np
import pytest

from models import plots
from models.catalogue import definition
from models.harmonic_orders import dominant, named_orders, overlap
from models.monitoring.harmonic_analysis import (
    DEFINITION,
    METERED,
    ORDER_FEATURES,
    SPECTRUM,
    WAVEFORM,
    class_of,
    measured_pct,
)
from models.pool import load


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(definition("harmonic_analysis"), profile, folders)


def test_class_of__limits__are_medium():
    assert class_of(np.array([0, 2.99, 3, 4, 5, 5.01])).tolist() == [0, 0, 1, 1, 1, 2]


def test_dominant__orders_below_the_least_or_unknown__are_not_named():
    orders = np.array([[0.2, 4.0, np.nan, 1.0, 6.0], [0.1, 0.1, 0.1, 0.1, 0.1], [1.0, 0.4, 2.0, 3.0, 1.5]])
    assert dominant(orders, 0.3, 3).tolist() == [[4, 1, 3], [-1, -1, -1], [3, 2, 4]]
    assert named_orders(orders, (3, 5, 7, 11, 13)).tolist() == [[13, 5, 11], [0, 0, 0], [11, 7, 13]]


def test_overlap__sets_of_orders__is_their_jaccard_index():
    named = np.array([[5, 7, 11], [5, 0, 0], [0, 0, 0], [0, 0, 0]])
    true = np.array([[7, 5, 13], [5, 0, 0], [0, 0, 0], [5, 0, 0]])
    assert overlap(named, true).tolist() == [0.5, 1.0, 1.0, 0.0]


def test_rows__every_capture__comes_whole_with_the_meter_alone_and_with_the_waveform_alone(pool):
    rows = pool.training
    wave = np.isfinite(rows.inputs(WAVEFORM)).all(axis=1)
    meter = np.isfinite(rows.inputs(METERED)).all(axis=1)
    whole, metered, captured = wave & meter, ~wave & meter, wave & ~meter
    assert whole.sum() == metered.sum() == captured.sum() == len(rows) / 3
    np.testing.assert_array_equal(rows.truth["captured"], wave)
    np.testing.assert_array_equal(rows.truth["metered"], ~wave)
    assert np.isnan(rows.inputs(WAVEFORM)[metered]).all()
    for name in ("thd_pct", "code"):
        np.testing.assert_array_equal(rows.truth[name][whole], rows.truth[name][metered])


def test_rows__truth__is_the_solved_thd_of_the_worst_phase(pool, folders):
    from data_contracts.dataset import Dataset

    table = Dataset.open(folders["mumbai"]).read("waveforms_truth").to_pandas()
    rows = pool.training.select(pool.training.substation.isin(["mumbai"]))
    thd = table.set_index(["scenario_id", "point"])[[f"thd_v_{phase}_pct" for phase in "abc"]].max(axis=1)
    keys = list(zip(rows.episode.array(), rows.point.array(), strict=True))
    np.testing.assert_array_equal(rows.truth["thd_pct"], thd.loc[keys])


def test_measured__waveform_before_meter__and_never_nothing():
    X = np.full((3, len(DEFINITION.features)), np.nan)
    spectrum, meter = (DEFINITION.features.index(name) for name in (SPECTRUM, METERED[0]))
    X[0, [spectrum, meter]] = [2.0, 3.0]
    X[1, meter] = 3.0
    X[2, spectrum] = 0.0
    assert measured_pct(X).tolist() == [2.0, 3.0, 0.01]


def test_decode__with_and_without_a_spectrum__names_orders_or_leaves_them_out(pool):
    decoder = DEFINITION.compile(DEFINITION.fit(pool.split(0).select(np.arange(200)), FEW, 0)).decoder
    columns = {name: np.array([np.nan, np.nan]) for name in DEFINITION.features}
    columns[SPECTRUM] = np.array([4.0, np.nan])
    columns[METERED[0]] = np.array([9.0, 6.0])
    columns[ORDER_FEATURES[1]] = np.array([3.5, np.nan])
    columns[ORDER_FEATURES[2]] = np.array([0.5, np.nan])
    whole, metered = DEFINITION.decode(decoder, np.log([[0.5], [1.0]]), columns)
    assert whole == {
        "thd_estimate": pytest.approx(2.0),
        "harmonic_level": "low",
        "dominant_harmonics": [5, 7],
    }
    assert metered == {"thd_estimate": pytest.approx(6.0), "harmonic_level": "high"}


FEW = {"n_estimators": 3, "max_leaf_nodes": 8}


def test_trained__both_forms__beat_what_they_are_measured_by(trained):
    rows = {
        row.metric: row
        for row in trained["harmonic_analysis"].rows
        if row.substation == "training" and row.slice == "all"
    }
    assert rows["thd_mae"].value < 0.7 * rows["thd_mae"].opponent_value
    assert rows["thd_mae"].opponent == "fft"
    assert rows["thd_mae_metered"].value < rows["thd_mae_metered"].opponent_value
    assert rows["thd_mae_metered"].opponent == "meter"
    assert rows["thd_mae"].value < rows["thd_mae_metered"].value


def test_trained__cost__names_the_native_librarys_time(trained):
    cost = trained["harmonic_analysis"].footprint
    assert cost.native_row_us > 10 * cost.one_row_us
    assert cost.compiled_bytes < 1_000_000


def test_trained__its_plots__are_in_the_run(trained, campaign):
    from models import tracking

    version = trained["harmonic_analysis"].version
    found = {file.path for file in tracking.connect(campaign).client.list_artifacts(version.run_id, "plots")}
    wanted = {"thd_scatter", "thd_residuals", "confusion", "feature_importance", "learning_curve"}
    assert {f"plots/{name}.png" for name in wanted} <= found


def test_importance__features_that_may_be_missing__every_figure_is_a_number(pool):
    fitted = DEFINITION.fit(pool.split(0), FEW, 0)
    mattered = plots.importance(DEFINITION, fitted, pool.split(1), np.random.default_rng(0))
    assert set(mattered) == set(DEFINITION.features)
    assert np.isfinite(list(mattered.values())).all()
    assert max(mattered, key=mattered.get) in {SPECTRUM, METERED[0]}
