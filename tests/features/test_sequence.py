import numpy as np
import pytest

from features.errors import FeatureError
from features.sequence import DEADBAND_HZ, SEQUENCE_FEATURES, SEQUENCE_NAMES, STEPS, WIDTH, sequence


@pytest.fixture
def readings(rng):
    return 50.0 + np.cumsum(0.02 * rng.standard_normal((200, STEPS)), axis=1)


def naive(series, nominal):
    """The declarations, step by step, in plain words."""
    d = [float(f) - nominal for f in series]
    steps = []
    for k in range(STEPS):
        so_far = np.array(d[: k + 1])
        slope = np.polyfit(np.arange(k + 1), so_far, 1)[0] if k else 0.0
        steps += [
            d[k],
            d[k] - d[k - 1] if k else 0.0,
            d[k] - d[max(k - 3, 0)],
            slope,
            d[k] - 2 * d[k - 1] + d[k - 2] if k > 1 else 0.0,
            np.sign(d[k]) * max(abs(d[k]) - DEADBAND_HZ, 0.0),
            d[k] - so_far.mean(),
            so_far.std(),
        ]
    return steps


def test_names__eighty__are_the_oldest_steps_first():
    assert len(SEQUENCE_NAMES) == len(set(SEQUENCE_NAMES)) == STEPS * WIDTH == 80
    assert SEQUENCE_NAMES[:WIDTH] == tuple(f"{feature.name}.0" for feature in SEQUENCE_FEATURES)
    assert SEQUENCE_NAMES[-1].endswith(".9")


@pytest.mark.parametrize("nominal", [50.0, 60.0])
def test_sequence__drawn_readings__are_what_the_declarations_say(readings, nominal):
    shifted = readings - 50.0 + nominal
    expected = [naive(series, nominal) for series in shifted]
    np.testing.assert_allclose(sequence(shifted, np.full(200, nominal)), expected, atol=1e-12)


def test_sequence__a_batch__gives_the_rows_of_its_members_bit_for_bit(readings):
    nominal = np.full(200, 50.0)
    together = sequence(readings, nominal)
    for at in range(0, 200, 17):
        np.testing.assert_array_equal(together[at], sequence(readings[at : at + 1], nominal[:1])[0])


def test_sequence__constant_frequency__has_no_movement():
    steps = sequence(np.full((1, STEPS), 49.9), np.array([50.0])).reshape(STEPS, WIDTH)
    names = [feature.name for feature in SEQUENCE_FEATURES]
    assert steps[:, names.index("seq_dev_hz")] == pytest.approx(-0.1)
    assert steps[:, names.index("seq_beyond_hz")] == pytest.approx(-0.1 + DEADBAND_HZ)
    still = [at for at, name in enumerate(names) if name not in {"seq_dev_hz", "seq_beyond_hz"}]
    assert np.all(steps[:, still] == 0)


def test_sequence__later_readings__do_not_change_earlier_steps(readings):
    nominal = np.full(200, 50.0)
    changed = readings.copy()
    changed[:, 6:] += 1.0
    before, after = (sequence(f, nominal).reshape(-1, STEPS, WIDTH)[:, :6] for f in (readings, changed))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("gone", [np.nan, np.inf])
def test_sequence__a_missing_reading__leaves_its_row_without_features(readings, gone):
    readings[3, 9] = gone
    found = sequence(readings, np.full(200, 50.0))
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, axis=0)).all()


def test_sequence__nine_readings__is_refused():
    with pytest.raises(FeatureError, match="10"):
        sequence(np.full((2, 9), 50.0), np.full(2, 50.0))
