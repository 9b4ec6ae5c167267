import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.dataset import Dataset
from models.catalogue import definition
from models.dataset import build
from models.errors import DataError

WINDOW = 10


@pytest.fixture
def copy(folders, tmp_path):
    """A dataset that a test may spoil."""
    folder = tmp_path / "tiny.mumbai"
    shutil.copytree(folders["mumbai"], folder)
    return folder


def rewrite(path, change):
    pq.write_table(change(pq.read_table(path)), path)


def test_build__phase_imbalance__labels_are_the_windows_mean_true_vuf(folders, profile):
    dataset = Dataset.open(folders["mumbai"])
    rows = build(dataset, definition("phase_imbalance"), profile.simulation.start).rows
    truth = dataset.read("readings_truth").to_pandas()
    rng = np.random.default_rng(0)
    for at in rng.choice(len(rows), 25, replace=False):
        series = truth[
            (truth.scenario_id == rows.episode.array()[at]) & (truth.point == rows.point.array()[at])
        ]
        end = rows.t[at]
        seconds = series.t.astype("int64") // 1000
        mean = series.vuf_pct[(seconds > end - WINDOW) & (seconds <= end)].mean()
        assert rows.truth["vuf_pct"][at] == pytest.approx(mean, rel=1e-12)
        assert rows.truth["code"][at] == np.searchsorted([2, 5, 10], mean, side="right")


def test_build__voltage_anomaly__any_active_second_makes_the_window_anomalous(folders, profile):
    dataset = Dataset.open(folders["delhi"])
    rows = build(dataset, definition("voltage_anomaly"), profile.simulation.start).rows
    truth = dataset.read("readings_truth", kinds=["instrument"]).to_pandas()
    active = set()
    for scenario, point, t in truth.loc[truth.active, ["scenario_id", "point", "t"]].itertuples(index=False):
        second = t.timestamp()
        active |= {(scenario, point, end) for end in np.arange(second, second + WINDOW)}
    chosen = rows.select(rows.kind.isin(["instrument"]))
    keys = zip(chosen.episode.array(), chosen.point.array(), chosen.t, strict=True)
    np.testing.assert_array_equal(chosen.truth["anomaly"], [key in active for key in keys])
    assert 0 < chosen.truth["anomaly"].mean() <= 1
    assert not rows.select(rows.kind.isin(["normal"])).truth["anomaly"].any()


def test_build__episodes__lie_in_one_split_each_and_carry_the_points_kind(folders, profile):
    rows = build(
        Dataset.open(folders["mumbai"]), definition("phase_imbalance"), profile.simulation.start
    ).rows
    for split in range(3):
        inside = set(rows.episode.codes[rows.split == split])
        assert inside
        assert not inside & set(rows.episode.codes[rows.split != split])
    kinds = dict(zip(rows.point.array(), rows.point_kind.array(), strict=True))
    assert kinds == {"DTX1.LV": "transformer_bay", "LV1": "bus", "F331": "feeder"}


def test_build__window_without_an_input__is_left_out_and_counted(copy, profile):
    def drop_first(table):
        column = table.column("v_spike_pu").to_numpy().copy()
        column[:7] = np.nan
        place = table.column_names.index("v_spike_pu")
        return table.set_column(place, "v_spike_pu", [column])

    path = copy / "features" / "normal-00000.parquet"
    before = build(Dataset.open(copy), definition("voltage_anomaly"), profile.simulation.start)
    rewrite(path, drop_first)
    after = build(Dataset.open(copy), definition("voltage_anomaly"), profile.simulation.start)
    assert before.without_features == 0
    assert after.without_features == 7
    assert len(after.rows) == len(before.rows) - 7
    assert np.isfinite(after.rows.X).all()


def test_build__phase_imbalance__keeps_one_plain_window_in_thirty_and_every_other(folders, profile):
    dataset = Dataset.open(folders["mumbai"])
    rows = build(dataset, definition("phase_imbalance"), profile.simulation.start).rows
    all_rows = build(dataset, definition("voltage_anomaly"), profile.simulation.start).rows
    plain = rows.truth["vuf_pct"] < 1.0
    others = int((~plain).sum())
    assert plain.sum() == pytest.approx((len(all_rows) - others) / 30, rel=0.4)
    again = build(dataset, definition("phase_imbalance"), profile.simulation.start).rows
    np.testing.assert_array_equal(again.X, rows.X)


def test_build__second_without_a_row_of_truth__leaves_its_window_out(copy, profile):
    rewrite(copy / "readings_truth" / "fault-00000.parquet", lambda table: table.slice(1))
    built = build(Dataset.open(copy), definition("voltage_anomaly"), profile.simulation.start)
    assert built.without_truth == 1


def test_build__point_that_the_substation_does_not_have__is_an_error(copy, profile):
    def rename(table):
        place = table.column_names.index("point")
        return table.set_column(place, "point", [["LV9"] * len(table)])

    rewrite(copy / "features" / "normal-00000.parquet", rename)
    with pytest.raises(DataError, match="LV9"):
        build(Dataset.open(copy), definition("phase_imbalance"), profile.simulation.start)


def test_build__table_without_a_needed_column__names_it(copy, profile):
    rewrite(copy / "readings_truth" / "normal-00000.parquet", lambda table: table.drop_columns(["vuf_pct"]))
    with pytest.raises(Exception, match="vuf_pct"):
        build(Dataset.open(copy), definition("phase_imbalance"), profile.simulation.start)
