import numpy as np
import pytest

from simulation.instruments.luck import Luck, draw_luck

POINTS, SECONDS = 27, 60


@pytest.fixture(scope="module")
def drawn() -> list[Luck]:
    return [draw_luck(np.random.default_rng(seed), POINTS, SECONDS) for seed in range(200)]


def test_draw_luck__same_stream__draws_the_same() -> None:
    one, other = (draw_luck(np.random.default_rng(5), POINTS, SECONDS) for _ in range(2))

    assert np.array_equal(one.noise, other.noise)
    assert np.array_equal(one.tails, other.tails)
    assert np.array_equal(one.lost, other.lost)


def test_draw_luck__clocks__are_synchronised_within_a_cycle_or_lost(drawn: list[Luck]) -> None:
    skew_s = np.concatenate([each.skew_s for each in drawn])
    lost = np.concatenate([each.lost_clock for each in drawn])

    assert np.all(np.abs(skew_s[~lost]) <= 0.02)
    assert np.all(np.abs(skew_s[lost]) <= 0.2)
    assert 0.001 < lost.mean() < 0.008


def test_draw_luck__samples__are_lost_singly_and_in_runs(drawn: list[Luck]) -> None:
    lost = np.concatenate([each.lost for each in drawn])

    # 0.1 % alone and 0.4 % of the points for two to six seconds of sixty.
    assert lost.mean() == pytest.approx(0.001 + 0.004 * 4.0 / 60.0, rel=0.15)


def test_draw_luck__noise_and_extremes__have_their_laws(drawn: list[Luck]) -> None:
    noise = np.stack([each.noise for each in drawn[:20]])
    tails = np.stack([each.tails for each in drawn[:20]])

    assert noise.shape[1:] == (POINTS, SECONDS, 15)
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    assert noise.mean() == pytest.approx(0.0, abs=0.01)
    # The largest of a hundred standard normal values has a median of 2.46.
    assert np.median(tails) == pytest.approx(2.46, abs=0.05)
