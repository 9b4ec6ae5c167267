"""The swing equation against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from simulation.frequency.disturbance import Disturbance
from simulation.frequency.swing import STEP_S, Response, respond
from simulation.frequency.system import Systems

H, D, R, KM, FH, TR, F0 = 4.0, 1.0, 0.05, 0.95, 0.3, 8.0, 50.0
LOSS = 0.02


def play(systems: Systems, *events: Disturbance, seconds: int = 60, step_s: float = STEP_S) -> Response:
    return respond(systems, (events,), np.zeros((seconds + 1, 1)), step_s)


def anderson_mirheydar(t: np.ndarray, loss: float) -> np.ndarray:
    """Their equations (8)-(14): Δω(t) of the reheat system after a sudden loss of power, pu."""
    wn2 = (D * R + KM) / (2.0 * H * R * TR)
    wn = np.sqrt(wn2)
    zeta = (2.0 * H * R + (D * R + KM * FH) * TR) / (2.0 * (D * R + KM)) * wn
    wr = wn * np.sqrt(1.0 - zeta**2)
    alpha = np.sqrt((1.0 - 2.0 * TR * zeta * wn + TR**2 * wn2) / (1.0 - zeta**2))
    phi = np.arctan2(wr * TR, 1.0 - zeta * wn * TR) - np.arctan2(np.sqrt(1.0 - zeta**2), -zeta)
    steady = -R * loss / (D * R + KM)
    return steady * (1.0 + alpha * np.exp(-zeta * wn * t) * np.sin(wr * t + phi))


def test_respond__loss_in_a_linear_system__follows_anderson_and_mirheydar() -> None:
    t = np.arange(1, 41).astype(np.float64)
    expected = F0 * (1.0 + anderson_mirheydar(t, LOSS))
    onset = Disturbance("unit_trip", 2.0, -LOSS)
    deepest = F0 * -anderson_mirheydar(np.arange(0.0, 20.0, 1e-3), LOSS).min()

    f = F0 + np.cumsum(play(Systems.reheat(), onset, seconds=42, step_s=0.025).rocof_hz_s[:, 0])

    assert np.abs(f[2:] - expected).max() < 5e-4 * deepest


def test_respond__loss_in_a_linear_system__has_nadir_and_time_of_the_closed_form() -> None:
    t = np.arange(0.0, 20.0, 1e-3)
    exact = anderson_mirheydar(t, LOSS)
    at, deepest = float(t[np.argmin(exact)]), -F0 * float(exact.min())
    # Onsets a step apart show every step of the response at the seconds' ends.
    seen = []
    for k in range(20):
        onset = 2.0 + k * STEP_S
        f = F0 + np.cumsum(
            play(Systems.reheat(), Disturbance("unit_trip", onset, -LOSS), seconds=9).rocof_hz_s[:, 0]
        )
        seen += [(second + 1 - onset, f[second]) for second in range(3, 9)]
    seen.sort()
    lowest = int(np.argmin([f for _, f in seen]))
    around = np.array(seen[lowest - 3 : lowest + 4])
    bend, slope, _ = np.polyfit(around[:, 0] - seen[lowest][0], around[:, 1], 2)

    assert F0 - seen[lowest][1] == pytest.approx(deepest, rel=1e-3)
    assert seen[lowest][0] - slope / (2.0 * bend) == pytest.approx(at, rel=1e-3)


def test_respond__loss_in_a_linear_system__settles_at_the_droop() -> None:
    f = play(Systems.reheat(), Disturbance("unit_trip", 1.0, -LOSS), seconds=120).f_hz[-1, 0]

    assert f - F0 == pytest.approx(-F0 * LOSS * R / (D * R + KM), rel=1e-6)


def test_respond__no_governor_and_no_damping__falls_by_the_initial_rate() -> None:
    bare = replace(Systems.reheat(damping=0.0), gain=np.zeros((1, 1)))
    rate = play(bare, Disturbance("unit_trip", 2.0, -LOSS), seconds=8).rocof_hz_s[:, 0]

    assert rate[:2] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert rate[2:] == pytest.approx(np.full(6, -LOSS * F0 / (2.0 * H)), rel=1e-9)


def test_respond__any_loss__begins_with_the_rate_of_its_inertia() -> None:
    event = Disturbance("unit_trip", 0.95, -LOSS)
    rate = play(Systems.reheat(), event, seconds=2).rocof_hz_s[0, 0] / 0.05

    assert rate == pytest.approx(-LOSS * F0 / (2.0 * H), rel=0.03)


def test_respond__half_the_step__changes_a_quarter_as_much() -> None:
    def run(step_s: float) -> np.ndarray:
        return play(Systems.reheat(), Disturbance("unit_trip", 1.0, -0.1), seconds=20, step_s=step_s).f_hz

    reference = run(0.003125)
    errors = [np.abs(run(step) - reference).max() for step in (0.1, 0.05, 0.025)]

    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.25)
    assert errors[1] < 1e-3 * 0.54


def test_respond__dead_band__leaves_the_residual_that_the_droop_leaves_beyond_it() -> None:
    band, loss = 0.03, 0.004
    f = play(Systems.reheat(dead_band_hz=band), Disturbance("unit_trip", 1.0, -loss), seconds=300).f_hz[-1, 0]
    gain = KM / R
    # −loss − D·x − K·(x + band) = 0 with x < −band.
    expected = -(loss + gain * band / F0) / (D + gain) * F0

    assert f - F0 == pytest.approx(expected, rel=1e-6)
    within = play(Systems.reheat(dead_band_hz=band), Disturbance("load_step", 1.0, -0.0005), seconds=120)
    assert np.all(within.governor_pu == 0.0)
    assert within.f_hz[-1, 0] - F0 == pytest.approx(-0.0005 / D * F0, rel=1e-5)


def test_respond__reserve_is_spent__governors_give_no_more() -> None:
    found = play(Systems.reheat(reserve=0.01), Disturbance("unit_trip", 1.0, -0.03), seconds=200)

    assert found.governor_pu.max() == pytest.approx(0.01, rel=1e-6)
    assert found.f_hz[-1, 0] - F0 == pytest.approx(-(0.03 - 0.01) / D * F0, rel=1e-4)


def test_respond__secondary_control__brings_frequency_back() -> None:
    slow = replace(
        Systems.reheat(), agc_rate=np.array([0.2]), agc_share=np.array([0.5]), agc_limit=np.array([0.05])
    )
    found = play(slow, Disturbance("unit_trip", 10.0, -LOSS), seconds=900)

    assert found.f_hz[60, 0] < F0 - 0.02
    assert found.f_hz[-1, 0] == pytest.approx(F0, abs=1e-4)
    assert found.agc_pu[-1, 0] == pytest.approx(LOSS, rel=1e-3)


def test_respond__frequency_falls_below_a_stage__sheds_it_and_is_arrested() -> None:
    relays = replace(
        Systems.reheat(reserve=0.01),
        shed_at=np.array([[49.4 / F0 - 1.0], [49.2 / F0 - 1.0]]),
        shed_share=np.array([[0.03], [0.05]]),
        shed_delay_s=np.array([0.2]),
    )
    found = play(relays, Disturbance("unit_trip", 1.0, -0.04), seconds=120)
    bare = play(Systems.reheat(reserve=0.01), Disturbance("unit_trip", 1.0, -0.04), seconds=120)
    first = int(np.argmax(found.shed_pu[:, 0] > 0.0))

    assert bare.f_hz.min() < 49.2
    assert found.f_hz[first - 1, 0] > 49.3
    assert np.unique(found.shed_pu[first + 1 :]) == pytest.approx([0.03])
    assert 49.2 < found.f_hz.min() < 49.4
    assert found.f_hz[first + 5, 0] > found.f_hz[first, 0]


def test_respond__unit_takes_its_rotor_with_it__falls_faster() -> None:
    heavy = play(Systems.reheat(), Disturbance("unit_trip", 5.0, -LOSS), seconds=10)
    light = play(Systems.reheat(), Disturbance("unit_trip", 5.0, -LOSS, inertia_lost_s=1.0), seconds=10)

    assert light.inertia_s[:, 0].tolist() == [4.0] * 5 + [3.0] * 5
    assert light.rocof_hz_s[5, 0] < 1.15 * heavy.rocof_hz_s[5, 0] < 0.0


def test_respond__ramp__pushes_as_much_in_the_end_as_a_step() -> None:
    step = play(Systems.reheat(), Disturbance("load_step", 5.0, -LOSS), seconds=120)
    ramp = play(Systems.reheat(), Disturbance("ramp", 5.0, -LOSS, rise_s=40.0), seconds=120)

    assert ramp.imbalance_pu[:, 0] == pytest.approx(
        -LOSS * np.clip((np.arange(120) + 0.5 - 5.0) / 40.0, 0.0, 1.0), abs=1e-9
    )
    assert ramp.f_hz[-1, 0] == pytest.approx(step.f_hz[-1, 0], abs=1e-4)
    assert ramp.f_hz.min() > step.f_hz.min() + 0.01


def test_respond__quiet__is_the_process_that_it_was_given() -> None:
    rng = np.random.default_rng(1)
    quiet = 0.03 * rng.standard_normal((61, 2))
    systems = Systems.side_by_side([Systems.reheat(dead_band_hz=0.015), Systems.reheat(inertia_s=2.0)])
    found = respond(systems, ((), ()), quiet)

    assert found.f_hz == pytest.approx(F0 + 0.5 * (quiet[1:] + quiet[:-1]), abs=1e-12)
    assert np.abs(found.governor_pu).max() > 0.001
