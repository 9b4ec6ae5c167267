import numpy as np
import pytest

from simulation.instruments.seconds import half_cycle_extremes, mean_over_seconds, restless_seconds
from simulation.scenario.recording import Timeline

NO_SKEW = np.zeros(1)


def dip(start: float, end: float) -> Timeline:
    """Four seconds at state 0 with state 1 between `start` and `end`."""
    quiet, low = np.array([0]), np.array([1])
    return Timeline.merged(4, [(0.0, start, quiet), (start, end, low), (end, 4.0, quiet)])


def magnitudes(low: float) -> np.ndarray:
    return np.array([1.0, low])[:, None, None]


def test_mean_over_seconds__tenth_of_a_second_at_two_thirds__is_0_967() -> None:
    means = mean_over_seconds(dip(1.3, 1.4), magnitudes(0.667), NO_SKEW)

    assert means[0, :, 0] == pytest.approx([1.0, 1.0 - 0.1 * 0.333, 1.0, 1.0])


def test_mean_over_seconds__dip_across_a_second__is_shared() -> None:
    means = mean_over_seconds(dip(1.95, 2.10), magnitudes(0.0), NO_SKEW)

    assert means[0, :, 0] == pytest.approx([1.0, 0.95, 0.90, 1.0])


def test_mean_over_seconds__clock_ahead__sees_the_dip_earlier() -> None:
    means = mean_over_seconds(dip(2.0, 2.05), magnitudes(0.0), np.array([0.02]))

    assert means[0, :, 0] == pytest.approx([1.0, 0.98, 0.97, 1.0])


def test_mean_over_seconds__whole_seconds__are_blended_by_the_clocks_error() -> None:
    timeline = Timeline.steady(np.arange(3))
    values = np.array([1.0, 2.0, 4.0])[:, None, None]

    assert mean_over_seconds(timeline, values, NO_SKEW)[0, :, 0].tolist() == [1.0, 2.0, 4.0]
    assert mean_over_seconds(timeline, values, np.array([0.1]))[0, :, 0] == pytest.approx([1.1, 2.2, 4.0])
    assert mean_over_seconds(timeline, values, np.array([-0.1]))[0, :, 0] == pytest.approx([1.0, 1.9, 3.8])


def test_half_cycle_extremes__dip_of_several_cycles__shows_its_full_depth() -> None:
    low, high = half_cycle_extremes(dip(1.3, 1.4), magnitudes(0.667), NO_SKEW, np.array([1]))

    assert low[0, 0, 0] == pytest.approx(0.667)
    assert high[0, 0, 0] == pytest.approx(1.0)


def test_half_cycle_extremes__half_a_cycle__is_mixed_into_the_rms_of_one() -> None:
    # Half of a 20 ms window at zero leaves the root of one half.
    low, _ = half_cycle_extremes(dip(1.30, 1.31), magnitudes(0.0), NO_SKEW, np.array([1]))

    assert low[0, 0, 0] == pytest.approx(np.sqrt(0.5))


def test_half_cycle_extremes__rise__shows_in_the_maximum() -> None:
    low, high = half_cycle_extremes(dip(1.3, 2.6), magnitudes(1.2), NO_SKEW, np.array([1, 2, 3]))

    assert high[0, :, 0] == pytest.approx([1.2, 1.2, 1.0])
    assert low[0, :, 0] == pytest.approx([1.0, 1.0, 1.0])


def test_restless_seconds__events_within_seconds__are_found_with_their_neighbours() -> None:
    assert restless_seconds(dip(1.5, 1.6)).tolist() == [1]
    assert restless_seconds(dip(1.9, 2.1)).tolist() == [1, 2]
    assert restless_seconds(dip(1.0, 2.0)).size == 0


def test_timeline__spells_without_length__are_left_out() -> None:
    states = np.array([0])
    timeline = Timeline.merged(2, [(0.0, 1.25, states), (1.25, 1.25, np.array([9])), (1.25, 2.0, states)])

    assert timeline.begin.tolist() == [0.0, 1.0, 1.25]
    assert 9 not in timeline.state
    assert not timeline.is_steady


def test_mean_over_seconds__clocks_of_either_sign__see_their_own_point_only() -> None:
    timeline = Timeline.steady(np.arange(3))
    # Two points, two quantities, three states.
    values = np.array([[[1.0, 10.0], [100.0, 0.0]], [[2.0, 20.0], [200.0, 0.0]], [[4.0, 40.0], [400.0, 0.0]]])

    means = mean_over_seconds(timeline, values, np.array([0.1, -0.1]))

    assert means[0, :, 0] == pytest.approx([1.1, 2.2, 4.0])
    assert means[0, :, 1] == pytest.approx([11.0, 22.0, 40.0])
    assert means[1, :, 0] == pytest.approx([100.0, 190.0, 380.0])
    assert means[1, :, 1].tolist() == [0.0, 0.0, 0.0]


def test_mean_over_seconds__states_in_another_order__takes_each_seconds_own() -> None:
    values = np.array([1.0, 2.0]).reshape(2, 1, 1)

    means = mean_over_seconds(Timeline.steady(np.array([1, 0, 1])), values, np.zeros(1))

    assert means[0, :, 0].tolist() == [2.0, 1.0, 2.0]
