import numpy as np
import pytest

from data_contracts.ranges import GOOD, INVALID, QUESTIONABLE
from simulation.errors import SimulationError
from simulation.instruments.accuracy import current_limits
from simulation.instruments.malfunction import blown_fuse, dead, drift, spike, stuck, swapped
from simulation.instruments.meters import Meters
from simulation.instruments.observation import Readings, observe
from simulation.scenario.recording import States, Timeline
from simulation.sequence import balanced
from substations.description import Substation

SECONDS = 20
POINT = 7


@pytest.fixture(scope="module")
def meters(mumbai: Substation) -> Meters:
    return Meters.of(mumbai)


def quiet_states(meters: Meters, *, v_pu: float = 1.0, i_pu: float = 0.6, uneven: float = 0.0) -> States:
    """Every second the same: balanced, currents at a power factor of 0.9; phase a is `uneven` higher."""
    shape = (SECONDS, meters.nominal_v.size, 3)
    v = np.broadcast_to(meters.nominal_v[:, None] * v_pu * balanced(1.0), shape).copy()
    v[..., 0] *= 1.0 + uneven
    i = np.broadcast_to(meters.rated_a[:, None] * i_pu * balanced(np.exp(-1j * np.arccos(0.9))), shape).copy()
    return States(v, i, np.zeros(SECONDS), np.zeros(SECONDS))


def read(meters: Meters, states: States, seed: int = 0, malfunctions=()) -> Readings:
    timeline = Timeline.steady(np.arange(SECONDS))
    return observe(
        np.random.default_rng(seed),
        meters,
        states,
        timeline,
        np.full(SECONDS, 50.01),
        malfunctions=malfunctions,
    )


def test_observe__true_values__are_met_within_the_accuracy_classes(meters: Meters) -> None:
    states = quiet_states(meters)
    i_limit, i_phase = current_limits(meters.ct_class, np.full((meters.ct_class.size, 3), 0.6))

    for seed in range(30):
        said = read(meters, states, seed)
        v = np.nanmean(said.v, axis=1) / meters.nominal_v[:, None] - 1.0
        i = np.nanmean(said.i, axis=1) / (0.6 * meters.rated_a[:, None]) - 1.0
        p = np.nanmean(said.p, axis=1)
        true_p = 0.9 * 0.6 * meters.nominal_v[:, None] * meters.rated_a[:, None]
        # Noise of a mean of twenty seconds is a tenth of a thousandth.
        assert np.all(np.abs(v) <= meters.ratio_limit[:, None] + 2e-4)
        assert np.all(np.abs(i) <= i_limit + 3e-4)
        # P errs by both ratios and, at this power factor, by tan φ times both phase displacements.
        allowed = meters.ratio_limit[:, None] + i_limit + 0.5 * (meters.phase_limit[:, None] + i_phase) + 1e-3
        assert np.all(np.abs(p / true_p - 1.0) <= allowed)


def test_observe__errors__are_drawn_anew_for_each_episode_and_differ_between_devices(meters: Meters) -> None:
    errors = np.array(
        [
            np.nanmean(read(meters, quiet_states(meters), seed).v, axis=1) / meters.nominal_v[:, None] - 1.0
            for seed in range(40)
        ]
    )

    share = errors / meters.ratio_limit[:, None]
    assert 0.35 < share.std() < 0.55
    assert abs(share.mean()) < 0.05
    assert abs(np.corrcoef(share[:, 0, 0], share[:, 0, 1])[0, 1]) < 0.5


def test_observe__one_device__errs_alike_in_voltage_line_voltage_and_power(meters: Meters) -> None:
    said = read(meters, quiet_states(meters), 3)

    apparent = np.hypot(said.p, said.q)
    assert np.nanmax(np.abs(apparent / (said.v * said.i) - 1.0)) < 5e-3
    expected = np.sqrt(said.v[..., 0] ** 2 + said.v[..., 1] ** 2 + said.v[..., 0] * said.v[..., 1])
    assert np.nanmax(np.abs(said.v_ll[..., 0] / expected - 1.0)) < 0.015


def test_observe__second_after_second__half_cycle_extremes_enclose_the_mean(meters: Meters) -> None:
    said = read(meters, quiet_states(meters), 5)

    assert np.nanmax(said.v_min - said.v) < 0.0
    assert np.nanmin(said.v_max - said.v) > 0.0
    assert np.isnan(said.v_min[np.isnan(meters.blank[:, 0, -1])]).all()


def test_observe__many_episodes__lose_few_samples_and_mark_them_invalid(meters: Meters) -> None:
    lost, total, questionable = 0, 0, 0
    for seed in range(60):
        said = read(meters, quiet_states(meters), seed)
        gone = np.isnan(said.f)
        assert np.array_equal(gone, said.quality == INVALID)
        assert np.array_equal(gone, np.isnan(said.v).all(axis=2))
        lost, total = lost + gone.sum(), total + gone.size
        questionable += (said.quality == QUESTIONABLE).sum()

    assert 0.0003 < lost / total < 0.006
    assert 0.0 < questionable / total < 0.02


def test_observe__dead_bus__is_questionable_and_keeps_its_frequency(meters: Meters) -> None:
    states = quiet_states(meters)
    states.v[10:] = 0.0

    said = read(meters, states, 1)

    seen = said.quality[0, 10:] != INVALID
    assert np.all(said.quality[0, 11:][seen[1:]] == QUESTIONABLE)
    assert np.unique(said.f[0, 11:][seen[1:]]).size == 1


def test_observe__drift__grows_to_its_excess_in_voltage_and_power(meters: Meters) -> None:
    calm = read(meters, quiet_states(meters), 2)
    said = read(meters, quiet_states(meters), 2, (drift(SECONDS, 0.5, 1, POINT, 0.04),))

    ratio = said.v[POINT, :, 1] / calm.v[POINT, :, 1] - 1.0
    assert ratio[-1] == pytest.approx(0.04, abs=5e-4)
    assert np.all(np.diff(ratio) > 0.0)
    assert said.p[POINT, -1, 1] / calm.p[POINT, -1, 1] - 1.0 == pytest.approx(0.04, abs=3e-3)
    assert said.v_ll[POINT, -1, 0] > calm.v_ll[POINT, -1, 0]
    assert np.array_equal(said.v[POINT, :, 0], calm.v[POINT, :, 0])


def test_observe__stuck_register__stands_exactly_still_beside_the_true_value(meters: Meters) -> None:
    states = quiet_states(meters)
    states.v[:] *= (1.0 + 0.002 * np.sin(np.arange(SECONDS)))[:, None, None]
    calm = read(meters, states, 4)

    said = read(meters, states, 4, (stuck(np.abs(states.v[:, POINT]), 6, (2,), POINT, -0.03),))

    assert np.unique(said.v[POINT, 6:, 2]).size == 1
    assert np.unique(said.v_min[POINT, 6:, 2]).size == 1
    assert said.v[POINT, 6, 2] / calm.v[POINT, 6, 2] - 1.0 == pytest.approx(-0.03, abs=1e-3)
    assert np.unique(said.v[POINT, :, 0]).size > 5


def test_observe__stuck_meter__repeats_every_channel(meters: Meters) -> None:
    states = quiet_states(meters)

    said = read(meters, states, 4, (stuck(np.abs(states.v[:, POINT]), 6, (0, 1, 2), POINT, 0.02),))

    live = said.quality[POINT] == GOOD
    for channel in (said.v, said.i, said.p, said.q):
        assert np.unique(channel[POINT, 6:][live[6:]], axis=0).shape[0] == 1
    assert np.unique(said.f[POINT, 6:][live[6:]]).size == 1


def test_observe__spikes__are_single_seconds_of_at_most_the_excess(meters: Meters) -> None:
    calm = read(meters, quiet_states(meters), 6)
    said = read(
        meters, quiet_states(meters), 6, (spike(np.random.default_rng(1), (SECONDS, 4), 0, POINT, 0.05),)
    )

    ratio = np.abs(said.v[POINT, :, 0] / calm.v[POINT, :, 0] - 1.0)
    assert ratio[4] == pytest.approx(0.05, abs=1e-3)
    assert np.nanmax(ratio) <= 0.051
    assert (ratio > 0.001).sum() < 8


def test_observe__loose_contact__only_loses_voltage(meters: Meters) -> None:
    calm = read(meters, quiet_states(meters), 6)
    said = read(
        meters, quiet_states(meters), 6, (dead(np.random.default_rng(1), (SECONDS, 4), 0, POINT, 0.06),)
    )

    ratio = said.v[POINT, :, 0] / calm.v[POINT, :, 0] - 1.0
    assert np.nanmin(ratio) == pytest.approx(-0.06, abs=1e-3)
    assert np.nanmax(ratio) < 1e-3
    # The clock may let the second before see a little of the first loss.
    assert np.array_equal(ratio[:3], np.zeros(3))


def test_observe__swapped_inputs__exchange_voltages_and_break_the_powers(meters: Meters) -> None:
    states = quiet_states(meters, uneven=0.05)
    said = read(meters, states, 8, (swapped(SECONDS, (0, 1), POINT),))
    calm = read(meters, states, 8)

    assert np.nanmean(said.v[POINT, :, 1] / calm.v[POINT, :, 0]) == pytest.approx(1.0, abs=0.01)
    assert np.nanmean(said.v[POINT, :, 0] / calm.v[POINT, :, 1]) == pytest.approx(1.0, abs=0.01)
    assert np.nanmean(said.v[POINT, :, 2] / calm.v[POINT, :, 2]) == pytest.approx(1.0)
    # A current beside the wrong voltage: the angle between them is off by 120°.
    assert np.nanmean(said.p[POINT, :, 0]) < 0.0 < np.nanmean(calm.p[POINT, :, 0])


def test_observe__blown_fuse__leaves_a_part_of_one_phase(meters: Meters) -> None:
    said = read(meters, quiet_states(meters), 9, (blown_fuse(SECONDS, 10, 1, POINT, left=0.3),))

    assert np.nanmean(said.v[POINT, 10:, 1]) / meters.nominal_v[POINT] == pytest.approx(0.3, abs=0.01)
    assert np.nanmean(said.v[POINT, :10, 1]) / meters.nominal_v[POINT] == pytest.approx(1.0, abs=0.01)


def test_observe__malfunction_in_divided_seconds__is_refused(meters: Meters) -> None:
    states = quiet_states(meters)
    timeline = Timeline.merged(
        SECONDS, [(0.0, 3.5, np.arange(4)), (3.5, float(SECONDS), np.arange(3, SECONDS))]
    )

    with pytest.raises(SimulationError, match="seconds are divided"):
        observe(
            np.random.default_rng(0),
            meters,
            states,
            timeline,
            np.full(SECONDS, 50.0),
            malfunctions=(swapped(SECONDS, (0, 1), POINT),),
        )
