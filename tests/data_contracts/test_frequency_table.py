"""Rules of `frequency`: the units of a frequency, its grid of seconds, events and the truth's own slope."""

import numpy as np
import pytest

SECONDS = 60
ROWS = 2 * SECONDS


def scale(columns, factor, names, rows=slice(None)):
    for name in names:
        columns[name][rows] = columns[name][rows] * factor


def put(columns, name, row, value):
    columns[name] = np.asarray(columns[name]).tolist()
    columns[name][row] = value


def drop(columns, row):
    for name, values in columns.items():
        columns[name] = np.delete(np.array(values, dtype=object), row).tolist()


FREQUENCIES = ("f_hz", "f_true_hz")
ROCOF = ("rocof_true_hz_s",)


@pytest.mark.parametrize(
    ("expected", "spoil"),
    [
        ({"frequency_unit": ROWS}, lambda c: scale(c, 1e3, FREQUENCIES)),
        ({"frequency_unit": ROWS}, lambda c: scale(c, 1e-3, FREQUENCIES)),
        ({"frequency_unit": ROWS}, lambda c: scale(c, 2 * np.pi, FREQUENCIES)),
        ({"frequency_unit": ROWS}, lambda c: scale(c, 1 / 50, FREQUENCIES)),
        ({"frequency_unit": ROWS}, lambda c: scale(c, 60 / 50, FREQUENCIES)),
        ({"frequency_unit": SECONDS}, lambda c: scale(c, 1e3, ["f_hz"], slice(0, SECONDS))),
        ({"frequency_range": 1}, lambda c: put(c, "f_hz", 5, 61.0)),
        ({"frequency_range": 1}, lambda c: put(c, "f_hz", 5, 0.02)),
        ({"f_hz.finite": 1}, lambda c: put(c, "f_hz", 5, float("nan"))),
        ({"f_true_hz.present": 1}, lambda c: put(c, "f_true_hz", 5, None)),
        ({"inertia_s.range": 1}, lambda c: put(c, "inertia_s", 5, 4500.0)),
        ({"shed_pu.range": 1}, lambda c: put(c, "shed_pu", 5, 12.0)),
        ({"event.allowed": 1}, lambda c: put(c, "event", 30, "earthquake")),
        ({"missing_is_invalid": 1}, lambda c: put(c, "f_hz", 5, None)),
        ({"time_step": 1}, lambda c: drop(c, 25)),
        ({"unique_key": 1, "time_step": 1}, lambda c: put(c, "t", 26, int(c["t"][25]))),
        ({"onset_agrees": 1}, lambda c: put(c, "event", 5, "load_step")),
        ({"onset_agrees": 10}, lambda c: put(c, "event", slice(30, 40), ["none"] * 10)),
        ({"onset_clock": 2}, lambda c: put(c, "since_onset_s", 30, 90.0)),
        ({"rocof_agrees": ROWS}, lambda c: scale(c, 60.0, ROCOF)),
        ({"rocof_agrees": ROWS}, lambda c: scale(c, 1 / 50, ROCOF)),
        ({"rocof_agrees": ROWS}, lambda c: scale(c, -1.0, ROCOF)),
        ({"rocof_agrees": SECONDS}, lambda c: scale(c, 0.0, ROCOF, slice(SECONDS, ROWS))),
    ],
)
def test_frequency__spoilt__is_rejected_by_its_rule(spoilt, expected, spoil):
    assert spoilt("frequency", spoil) == expected


def test_frequency__missing_sample_as_null_and_invalid__is_kept(spoilt):
    def spoil(columns):
        put(columns, "f_hz", 5, None)
        columns["quality"][5] = 2

    assert spoilt("frequency", spoil) == {}


def test_frequency__second_event__starts_the_clock_again(spoilt):
    def spoil(columns):
        since = list(columns["since_onset_s"])
        since[40:60] = [0.3 + k for k in range(20)]
        columns["since_onset_s"] = since
        put(columns, "event", slice(40, 60), ["load_step"] * 20)

    assert spoilt("frequency", spoil) == {}


def test_frequency__forgotten_event__is_refused(spoilt):
    def spoil(columns):
        put(columns, "since_onset_s", slice(40, 60), [None] * 20)
        put(columns, "event", slice(40, 60), ["none"] * 20)

    assert spoilt("frequency", spoil) == {"onset_clock": 1}


def test_frequency__severe_fall_to_47_hz__is_kept(spoilt):
    def spoil(columns):
        for name in ("f_hz", "f_true_hz"):
            columns[name] = 50.0 + 8.0 * (columns[name] - 50.0)
        columns["rocof_true_hz_s"] = 8.0 * columns["rocof_true_hz_s"]
        assert columns["f_true_hz"].min() < 47.8

    assert spoilt("frequency", spoil) == {}
