import numpy as np
import pyarrow as pa
import pytest

from features.build import WindowIndex
from features.captures import Captures
from models import columns
from models.captures import capture_rows, capture_values
from models.errors import DataError
from models.rows import Names

WIDTH_S = 10


def stamps(seconds):
    return pa.array([1000 * second for second in seconds], pa.timestamp("ms", tz="UTC"))


@pytest.fixture
def windows():
    """Two points; at the first, windows that end at 10 and 20 s, at the second at 10 s."""
    episode, point = Names.of(["e", "e", "e"]), Names.of(["p", "p", "q"])
    return episode, point, np.array([10, 20, 10])


@pytest.fixture
def keys():
    """Captures, two of them in one window and one of those lost, and one that no window holds."""
    return {
        "scenario_id": ["e"] * 6,
        "point": ["p", "p", "p", "q", "q", "q"],
        "t": stamps([10, 14, 18, 9, 1, 11]),
    }


QUALITY = [0, 0, 2, 0, 0, 0]


def test_capture_rows__several_in_a_window__the_latest_that_is_not_lost(windows, keys):
    truth = pa.table(keys)
    taken = pa.table(keys | {"quality": QUALITY})
    assert capture_rows(truth, taken, windows, WIDTH_S).tolist() == [0, 1, 3]


def test_capture_rows__only_a_lost_capture__is_taken_all_the_same(windows, keys):
    taken = pa.table(keys | {"quality": [0, 2, 2, 0, 0, 0]})
    assert capture_rows(pa.table(keys), taken, windows, WIDTH_S).tolist() == [0, 2, 3]


def test_capture_rows__window_without_a_capture__none(windows, keys):
    truth = pa.table(keys).slice(0, 3)
    taken = pa.table(keys | {"quality": QUALITY})
    assert capture_rows(truth, taken, windows, WIDTH_S).tolist() == [0, 1, -1]


def test_capture_rows__same_tables__as_the_features_give_captures_to_windows(windows, keys):
    """Truth and features must speak of the same capture."""
    episode, point, t = windows
    series = {name: pa.array([[0.0] * 4] * 6, pa.list_(pa.float32())) for name in ("v_a_v", "v_b_v", "v_c_v")}
    series |= dict.fromkeys(("i_a_a", "i_b_a", "i_c_a"), series["v_a_v"])
    taken = pa.table(keys | {"rate_hz": [6400.0] * 6, "quality": pa.array(QUALITY, pa.int8())} | series)
    index = WindowIndex(np.arange(3), episode.codes, episode.texts, point.codes, point.texts, t.astype(float))
    attached = Captures.of(taken).attach(index)
    rows = capture_rows(pa.table(keys), taken, windows, WIDTH_S)
    assert dict(zip(attached.window.tolist(), attached.capture.tolist(), strict=True)) == dict(
        enumerate(rows.tolist())
    )


def test_capture_values__lists_and_numbers__null_is_nan(keys):
    table = pa.table(
        {
            "thd": pa.array([1.0, None, 3.0]),
            "orders": pa.array([[1.0, 2.0], None, [5.0, 6.0]], pa.list_(pa.float64())),
        }
    )
    found = capture_values(table, ("thd", "orders"), np.array([2, 1, 0]))
    np.testing.assert_array_equal(found["thd"], [3.0, np.nan, 1.0])
    np.testing.assert_array_equal(found["orders"], [[5.0, 6.0], [np.nan, np.nan], [1.0, 2.0]])


def test_floats_or_lists__lists_of_different_length__refused():
    table = pa.table({"orders": pa.array([[1.0], [2.0, 3.0]], pa.list_(pa.float64()))})
    with pytest.raises(DataError, match="1 to 2 values"):
        columns.floats_or_lists(table, "orders")
