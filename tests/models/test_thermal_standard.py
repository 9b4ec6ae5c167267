"""The closed form of the standard's model is the simulator's, and where it must end it ends."""

import numpy as np
import pytest

from models.thermal_standard import STAGES, hot_spot_c
from simulation.thermal.iec60076 import OFAF, ONAF, POWER_ONAN, Rated, State, exponential, steady

KINDS = {"ONAN": POWER_ONAN, "ONAF": ONAF, "OFAF": OFAF}
MINUTES = np.array([1.0, 30.0, 60.0, 600.0])


def found(minutes, stage="OFAF", *, oil_c=70.0, ambient_c=30.0, load_pu=1.0, loss_ratio=6.0):
    return hot_spot_c(
        np.asarray(minutes, dtype=float),
        oil_c=np.array([oil_c]),
        ambient_c=np.array([ambient_c]),
        load_pu=np.array([load_pu]),
        loss_ratio=np.array([loss_ratio]),
        stage=np.array([STAGES.index(stage)]),
    )[0]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("load_pu", [0.4, 1.0, 1.5])
def test_hot_spot__load_held__is_the_exponential_solution(stage, load_pu):
    rated = Rated.of(6.0, KINDS[stage])
    target = steady(rated, np.asarray(load_pu), np.asarray(30.0))
    begin = State(np.asarray(55.0), target.fast_k, target.slow_k)

    wanted = [float(exponential(rated, begin, target, minutes).hot_spot_c) for minutes in MINUTES]

    np.testing.assert_allclose(found(MINUTES, stage, oil_c=55.0, load_pu=load_pu), wanted, rtol=1e-12)


def test_hot_spot__rated_load_for_long__rises_by_what_the_nameplate_guarantees():
    assert found([1e5], "OFAF")[0] == pytest.approx(30.0 + 56.0 + 22.0)
    assert found([1e5], "ONAN")[0] == pytest.approx(30.0 + 52.0 + 26.0)


def test_hot_spot__now__is_the_oil_and_the_windings_gradient():
    assert found([0.0], load_pu=1.2)[0] == pytest.approx(70.0 + 22.0 * 1.2**1.3)


def test_hot_spot__no_load__ends_at_the_rise_of_the_no_load_losses():
    assert found([1e5], load_pu=0.0)[0] == pytest.approx(30.0 + 56.0 / 7.0)
