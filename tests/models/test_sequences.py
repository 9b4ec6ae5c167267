import datetime as dt

import numpy as np
import pytest

from data_contracts.dataset import Dataset
from features.sequence import SEQUENCE_NAMES, sequence
from models import sequences, splits
from models.errors import DataError
from models.frequency_regimes import HORIZON_S, REGIMES
from models.monitoring.frequency_stability import DEFINITION, KEPT
from models.sequences import BLOCKS, HISTORY_NAMES, HISTORY_S, Series


@pytest.fixture
def series():
    """Two groups of seconds: one of 700, one of 650 with a second left out after 20 and two readings lost."""
    rng = np.random.default_rng(3)
    t = np.concatenate([np.arange(700), np.delete(5000 + np.arange(651), 20)])
    f = 50 + np.cumsum(rng.normal(0, 0.003, t.size))
    f[[640, 1300]] = np.nan
    return Series.of(f, t, np.repeat([0, 1], [700, 650]))


@pytest.fixture(scope="module")
def built(campaign, profile):
    dataset = Dataset.open(campaign.dataset(profile.dataset("mumbai")))
    return sequences.build(dataset, DEFINITION, profile.simulation.start)


def test_of__a_missing_second_or_another_group__begins_a_run(series):
    assert np.unique(series.first).tolist() == [0, 700, 720]
    assert np.unique(series.last).tolist() == [699, 719, 1349]


def test_eligible__runs__leave_ten_minutes_before_and_five_seconds_behind(series):
    at = np.flatnonzero(series.eligible())
    assert at.tolist() == [*range(599, 695), *range(720 + 599, 1345)]


def test_complete__a_lost_reading__takes_the_ten_rows_that_would_hold_it(series):
    complete = series.complete()
    assert np.flatnonzero(~complete[620:670]).tolist() == list(range(20, 30))
    # A run begins with nine rows that lack readings.
    assert np.flatnonzero(complete[700:]).min() == 9


def test_columns__names__give_features_history_and_mean_as_computed_one_by_one(series):
    at = np.array([600, 655, 694])
    wanted = (*HISTORY_NAMES[:2], "f_mean_hz", *SEQUENCE_NAMES, HISTORY_NAMES[-1])
    X = series.columns(at, 50.0, wanted)
    for row, end in zip(X, at, strict=True):
        ten = series.f_hz[end - 9 : end + 1]
        np.testing.assert_allclose(row[3:-1], sequence(ten[None], np.array([50.0]))[0])
        assert row[2] == pytest.approx(ten.mean())
        for place, block in ((0, BLOCKS[0]), (1, BLOCKS[1]), (-1, BLOCKS[-1])):
            before = series.f_hz[max(end - block[1] + 1, 0) : end - block[0] + 1]
            assert row[place] == pytest.approx(np.nanmean(before) - 50.0, abs=1e-9)


def test_history__a_block_without_a_reading__repeats_the_newer_one():
    f = np.full(700, 50.01)
    f[40:640] = np.nan
    f[600:612] = 50.02
    whole = Series.of(f, np.arange(700), np.zeros(700, dtype=int))
    history = whole.history(np.array([660]), 50.0)[0]
    ends = dict(zip(BLOCKS, history, strict=True))
    assert ends[40, 50] == pytest.approx(0.02)
    assert ends[90, 120] == ends[60, 90] == ends[300, 420]


def test_columns__an_unknown_name__is_named(series):
    with pytest.raises(DataError, match="v_mean_pu"):
        series.columns(np.array([600]), 50.0, ("v_mean_pu",))


def test_build__campaign__has_rows_of_the_system_with_finite_columns(built, profile):
    rows = built.rows
    assert rows.columns == DEFINITION.columns
    assert np.isfinite(rows.X).all()
    assert set(rows.point.array()) == {"SYSTEM"}
    assert set(rows.point_kind.array()) == {"system"}
    assert built.without_features > 0
    assert built.windows <= 40 * (900 - HISTORY_S - HORIZON_S + 1)
    # The day of the episode decides, for all of its rows alike.
    for code in np.unique(rows.episode.codes):
        mine = rows.episode.codes == code
        begin = rows.t[mine].min() - HISTORY_S
        day = splits.day_of(np.array([begin]), profile.simulation.start, 19800)
        assert set(rows.split[mine]) == set(splits.split_of_day(day))


def test_build__regimes__are_each_rows_only_one_and_onsets_are_all_kept(built, campaign, profile):
    rows = built.rows
    assert np.all(sum(rows.truth[name].astype(int) for name in REGIMES) == 1)
    dataset = Dataset.open(campaign.dataset(profile.dataset("mumbai")))
    table = dataset.read("frequency", columns=["f_hz", "since_onset_s"])
    since = np.asarray(table["since_onset_s"].to_numpy(), dtype=float)
    # Nearly 29 whole seconds lie after the onset's own and within 30 s of it; a lost reading takes some.
    events = int((np.diff(np.isnan(since).astype(int)) == -1).sum())
    assert 0.8 * 29 * events <= rows.truth["onset"].sum() <= 30 * events
    shared = (rows.truth["quiet"].sum() / KEPT["quiet"]) + (rows.truth["recovery"].sum() / KEPT["recovery"])
    others = rows.truth["onset"].sum() + rows.truth["straddle"].sum()
    assert shared + others == pytest.approx(built.windows - built.without_features, rel=0.03)


def test_build__truth__is_the_frequency_five_seconds_later(built):
    rows = built.rows
    newest = 50 + rows.column("seq_dev_hz.9")
    np.testing.assert_allclose(newest + rows.truth["change_hz"], rows.truth["f_ahead_hz"], atol=1e-9)
    # A row's neighbours of the same episode, five seconds apart, hold each other's truth but for noise.
    key = {(episode, t): at for at, (episode, t) in enumerate(zip(rows.episode.codes, rows.t, strict=True))}
    pairs = [(at, key[e, t + 5]) for (e, t), at in key.items() if (e, t + 5) in key]
    now, later = np.array(pairs).T
    assert np.abs(newest[later] - rows.truth["f_ahead_hz"][now]).max() < 0.003


def test_build__again__chooses_the_same_rows(built, campaign, profile):
    dataset = Dataset.open(campaign.dataset(profile.dataset("mumbai")))
    again = sequences.build(dataset, DEFINITION, dt.date(2025, 1, 1)).rows
    np.testing.assert_array_equal(again.X, built.rows.X)
