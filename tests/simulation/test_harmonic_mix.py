import json

import numpy as np
import pytest

from simulation.engine import ORDERS
from simulation.harmonics.capture import draw_captures, draw_interharmonics
from simulation.harmonics.mix import draw_background, draw_mix, emitted_by
from simulation.harmonics.spectra import ARC_FURNACE, RECTIFIER, SIX_PULSE, SPECTRA, TWELVE_PULSE, Spectrum
from substations.description import Substation


@pytest.mark.parametrize("spectrum", SPECTRA, ids=lambda each: each.name)
def test_spectra__each__has_rising_orders_and_shares_below_one(spectrum: Spectrum) -> None:
    orders = [order for order, _, _ in spectrum.orders]

    assert orders == sorted(set(orders))
    assert 2 <= min(orders) <= max(orders) <= ORDERS
    assert all(0.0 < pct < 100.0 for _, pct, _ in spectrum.orders)
    assert spectrum.phasors()[0] == 0.0


def test_spectra__kinds__differ_as_their_circuits_do() -> None:
    six, twelve, single, arc = (
        np.abs(each.phasors()) for each in (SIX_PULSE, TWELVE_PULSE, RECTIFIER, ARC_FURNACE)
    )

    assert six[2] == 0.0 < single[2]
    assert twelve[4] < 0.1 * six[4]
    assert twelve[10] > twelve[4]
    assert arc[1] > 0.0 == six[1]
    assert len({each.name for each in SPECTRA}) == len(SPECTRA)


def test_draw_mix__many_feeders__are_diverse_and_never_all_electronics(mumbai: Substation) -> None:
    rng = np.random.default_rng(3)
    feeder = mumbai.feeder("F333")
    mixes = [draw_mix(rng, feeder, feeder.base_mw * 1e6) for _ in range(300)]

    totals = np.array([mix.shares.sum() for mix in mixes])
    thd = np.array([100.0 * np.sqrt((np.abs(mix.phasors[0]) ** 2).sum()) for mix in mixes])
    assert totals.max() <= 0.85 + 1e-12
    assert np.percentile(thd, 5) > 0.3
    assert 2.0 < np.median(thd) < 10.0
    assert thd.max() < 60.0
    assert np.std(np.log(thd)) > 0.3
    assert json.loads(json.dumps(mixes[0].parameters())) == mixes[0].parameters()


def test_draw_mix__phases_of_a_feeder__differ_a_little(mumbai: Substation) -> None:
    mix = draw_mix(np.random.default_rng(3), mumbai.feeder("F333"), 8e6)

    fifth = mix.phasors[:, 4]
    assert 0.0 < np.abs(fifth / fifth.mean() - 1.0).max() < 0.3


def test_emitted_by__feeders_first__leaves_other_loads_silent(mumbai: Substation) -> None:
    rng = np.random.default_rng(3)
    mixes = tuple(draw_mix(rng, feeder, 1e7) for feeder in mumbai.feeders)

    emitted = emitted_by(mixes, 3 * len(mixes) + 5)

    assert np.array_equal(emitted[3:6], mixes[1].phasors)
    assert not emitted[3 * len(mixes) :].any()


def test_draw_background__many_grids__hold_little_but_orders_of_six_k_plus_minus_one() -> None:
    rng = np.random.default_rng(3)
    size = np.mean([np.abs(draw_background(rng)) for _ in range(200)], axis=0)

    assert np.argmax(size) == 4
    assert size[4] > size[6] > size[10] > size[12]
    assert size[2] < 0.3 * size[4]
    assert not size[[0, 1, 3, 5, 7, 8, 9]].any()


def test_draw_captures__each_kind_of_point__has_one_whose_meter_measures_distortion(
    mumbai: Substation,
) -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        points = [mumbai.points[capture.point] for capture in draw_captures(rng, mumbai)]
        assert [point.kind for point in points] == ["infeed", "transformer_bay", "bus", "feeder"]
        assert all({"v_ll", "thd"} <= set(point.measures) for point in points)
        seen |= {point.id for point in points}

    assert len(seen) > 15


def test_draw_interharmonics__tones__are_small_and_lie_between_the_orders() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        tones = draw_interharmonics(rng)

        assert np.abs(tones.order - np.rint(tones.order)).min() >= 0.1 - 1e-9
        assert 0.02 <= tones.rms_pct <= 0.3
