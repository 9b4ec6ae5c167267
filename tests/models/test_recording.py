from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.errors import DataError
from models.recording import read

BEGIN = datetime(2025, 3, 30, 1, 59, 0, tzinfo=UTC)
SECONDS = 200


def rows(form="%d.%m.%Y %H:%M:%S", begin=BEGIN, seconds=SECONDS):
    return [
        [f"{50 + 0.01 * np.sin(k / 7):.3f}", (begin + timedelta(seconds=k)).strftime(form), "12.5"]
        for k in range(seconds)
    ]


def write(path, lines, header="frequency,time,phase", separator=","):
    text = [header] if header else []
    path.write_text("\n".join([*text, *(separator.join(line) for line in lines)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "day.csv"


@pytest.mark.parametrize("header", ["frequency,time,phase", "", "Hz,Timestamp,x"])
@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%s"])
def test_read__header_or_none_and_any_form_of_time__gives_the_same_seconds(file, header, form):
    lines = rows() if form != "%s" else rows("%d.%m.%Y %H:%M:%S")
    if form == "%s":
        for k, line in enumerate(lines):
            line[1] = str(int(BEGIN.timestamp()) + k)
    else:
        lines = rows(form)
    recording = read(write(file, lines, header))
    assert recording.f_hz.size == SECONDS
    assert recording.start_s == int(BEGIN.timestamp())
    assert recording.f_hz[7] == float(lines[7][0])
    assert (recording.name, recording.nominal_hz) == ("day", 50.0)
    assert (recording.rows, recording.dropouts, recording.misplaced, recording.missing) == (SECONDS, 0, 0, 0)


def test_read__milliseconds_and_semicolons__are_understood(file):
    lines = rows()
    for k, line in enumerate(lines):
        line[1] = str(int(BEGIN.timestamp() + k) * 1000)
    recording = read(write(file, lines, "f;t;x", ";"))
    assert recording.start_s == int(BEGIN.timestamp())
    assert recording.missing == 0


@pytest.mark.parametrize("value", ["0.0", "0", "", "NaN", "655.34", "49", "-50.0", "inf"])
def test_read__a_value_that_is_no_frequency__is_a_dropout(file, value):
    lines = rows()
    lines[30][0] = value
    recording = read(write(file, lines))
    expected = 0 if value == "49" else 1
    assert recording.dropouts == expected
    assert np.isnan(recording.f_hz).sum() == expected


def test_read__seconds_without_a_row__are_gaps_and_not_filled(file):
    lines = rows()
    del lines[50:53]
    recording = read(write(file, lines))
    assert recording.f_hz.size == SECONDS
    assert recording.missing == 3
    assert np.flatnonzero(np.isnan(recording.f_hz)).tolist() == [50, 51, 52]


def test_read__a_clock_that_turns_its_minute_late__loses_that_row_only(file):
    lines = rows()
    # The second 60 of a minute that has turned already, and a minute that has not turned yet.
    lines[60][1] = "30.03.2025 02:00:60"
    lines[119][1] = "30.03.2025 02:01:59"
    recording = read(write(file, lines))
    assert recording.misplaced == 2
    assert np.flatnonzero(np.isnan(recording.f_hz)).tolist() == [60, 119]


def test_read__named_columns__are_taken(file):
    lines = [[*line, "59.9"] for line in rows()]
    recording = read(write(file, lines, "a,b,c,d"), time="b", frequency="D")
    assert recording.nominal_hz == 60.0


@pytest.mark.parametrize(
    ("place", "cell", "match"),
    [
        ((40, 0), "fifty", r"row 42: frequency is 'fifty'"),
        ((40, 1), "yesterday", r"row 42: time is 'yesterday'"),
        ((40, 1), "2025-03-30T01:59:40.500Z", r"row 42: time is .*500Z"),
    ],
)
def test_read__a_cell_that_is_neither__names_file_row_and_column(file, place, cell, match):
    lines = rows()
    lines[place[0]][place[1]] = cell
    with pytest.raises(DataError, match=r"day\.csv.*" + match):
        read(write(file, lines))


def test_read__rows_out_of_order__are_refused(file):
    lines = rows()
    with pytest.raises(DataError, match=r"row 2: time is not before the next"):
        read(write(file, lines[::-1]))


def test_read__a_row_every_ten_seconds__is_refused(file):
    with pytest.raises(DataError, match=r"a row every 10 s"):
        read(write(file, rows()[::10]))


def test_read__voltages__are_refused(file):
    lines = [["230.1", *line[1:]] for line in rows()]
    with pytest.raises(DataError, match=r"neither 50 nor 60"):
        read(write(file, lines))


def test_read__no_column_of_frequencies__says_what_there_is(file):
    lines = [["230.1", *line[1:]] for line in rows()]
    with pytest.raises(DataError, match=r"no column of frequencies; it has v, time, x"):
        read(write(file, lines, "v,time,x"))
    with pytest.raises(DataError, match=r"no column 'g'"):
        read(file, frequency="g")


def test_read__empty_file__is_refused(file):
    file.write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="no rows"):
        read(file)


def test_read__a_short_row__is_named(file):
    lines = rows()
    lines[10] = ["50.0"]
    with pytest.raises(DataError, match="row 12: 1 cells"):
        read(write(file, lines))
