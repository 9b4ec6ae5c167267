import numpy as np
import pytest

from models import frequency_regimes as regimes
from models.protocol import TruthWindows
from models.rows import Names, Rows

NAN = np.nan


def label(since, f_true, shed=(0.0,) * 7, f_hz=None):
    """Truth of one second: seven values from the second before it to five seconds after."""
    values = {"since_onset_s": since, "f_true_hz": f_true, "shed_pu": shed, "f_hz": f_hz or f_true}
    arrays = {name: np.array([series], dtype=float) for name, series in values.items()}
    return {name: value[0] for name, value in regimes.label(TruthWindows(arrays, {}, 7)).items()}


def regime(**truth):
    (found,) = [name for name in regimes.REGIMES if label(f_true=[50.0] * 7, **truth)[name]]
    return found


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (-10.0, "quiet"),
        (-4.5, "straddle"),
        (0.4, "straddle"),
        (1.0, "straddle"),
        (1.01, "onset"),
        (30.0, "onset"),
        (30.5, "recovery"),
        (400.0, "recovery"),
    ],
)
def test_regimes__time_since_the_onset__decides(begin, expected):
    """`begin`: seconds from the onset to the end of the newest second; negative where it lies ahead."""
    since = begin + np.arange(-1.0, 6.0)
    assert regime(since=np.where(since > 0, since, NAN)) == expected


def test_regimes__a_second_event_ahead__makes_a_straddle_of_a_recovery():
    assert regime(since=[100, 101, 102, 103, 0.5, 1.5, 2.5]) == "straddle"


@pytest.mark.parametrize(
    ("shed", "expected"),
    [
        ((0, 0, 0, 0, 0, 0, 0.05), "straddle"),
        ((0, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05), "straddle"),
        ((0.05,) * 7, "onset"),
        ((0.05, 0.05, 0, 0, 0, 0, 0), "onset"),
    ],
)
def test_regimes__load_shed_ahead_or_in_the_newest_second__is_a_straddle(shed, expected):
    assert regime(since=9.0 + np.arange(7), shed=shed) == expected


def test_label__change__is_counted_from_the_reading_and_the_trend_from_the_truth():
    found = label([NAN] * 7, [50, 50, 50, 50, 50, 50, 50.012], f_hz=[50, 50.005, 50, 50, 50, 50, 50])
    assert found["change_hz"] == pytest.approx(0.007)
    assert found["f_ahead_hz"] == 50.012
    assert regimes.TRENDS[found["trend"]] == "increasing"
    assert found["announced"]


def test_trend_of__limit__belongs_to_the_movement():
    codes = regimes.trend_of(np.array([0.0, 0.0099, 0.01, -0.01, -0.0099]))
    assert [regimes.TRENDS[code] for code in codes] == [
        "stable", "stable", "increasing", "decreasing", "stable",
    ]  # fmt: skip


def test_stability_score__published_formula__runs_from_100_to_0():
    deviation = np.array([0.0, 0.25, 0.0, -0.5, 0.6])
    change = np.array([0.0, 0.0, -1.25, 0.0, 3.0])
    np.testing.assert_allclose(regimes.stability_score(deviation, change), [100, 50, 50, 0, 0])


def rows_of(change, quiet):
    n = len(change)
    names = Names(np.zeros(n, dtype=np.int64), ("x",))
    truth = {
        "change_hz": np.array(change),
        "quiet": np.array(quiet),
        "onset": ~np.array(quiet),
    }
    return Rows(
        (),
        np.zeros((n, 0)),
        truth,
        names,
        names,
        names,
        names,
        names,
        np.zeros(n),
        np.zeros(n, dtype=np.int8),
    )


def test_skill__of_persistence_is_nothing_and_of_the_truth_is_all():
    rows = rows_of([0.004, -0.004, 0.1, -0.3], [True, True, False, False])
    metric = regimes.skill("skill")
    truth = rows.truth["change_hz"]
    assert metric.of(regimes.answer(rows, np.zeros(4), np.zeros(4)), rows) == 0
    assert metric.of(regimes.answer(rows, truth, np.zeros(4)), rows) == 1
    half = np.where(rows.truth["quiet"], 0.0, truth)
    assert metric.of(regimes.answer(rows, half, np.zeros(4)), rows) == pytest.approx(0.5)


def test_skill__without_an_onset__is_that_of_the_quiet_rows():
    rows = rows_of([0.004, -0.004], [True, True])
    answer = regimes.answer(rows, 0.5 * rows.truth["change_hz"], np.zeros(2))
    assert regimes.skill("skill").of(answer, rows) == pytest.approx(0.5)
