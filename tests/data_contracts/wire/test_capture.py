"""A waveform on the wire: lengths, duration, range and unit; numbers that are none."""

import msgspec
import numpy as np
import pytest

from data_contracts.facts import PointFacts
from data_contracts.wire import Item, MalformedError, PointLimits, WireError, check, decode, limits, pack

RATE_HZ = 6400.0
NOMINAL_V = 33_000 / 3**0.5


def make_waveform(samples=1280, rate_hz=RATE_HZ, scale=1.0):
    t = np.arange(samples) / rate_hz
    turn = np.array([0.0, -2.0, 2.0])[:, None] * np.pi / 3
    wave = np.sqrt(2.0) * np.cos(2 * np.pi * 50.0 * t + turn)
    return {
        "rate_hz": rate_hz,
        "v": (scale * NOMINAL_V * wave).tolist(),
        "i": (400.0 * wave).tolist(),
    }


@pytest.fixture
def captured(request_body):
    return {**request_body, "waveform": make_waveform()}


def test_waveform__ten_cycles_at_6400_hz__keep_the_contract(captured, errors_of):
    assert errors_of(captured) == []


def test_waveform__ten_cycles_with_every_digit__fit_into_an_item(captured):
    body = msgspec.json.encode(captured)

    assert len(body) < 0.75 * limits.ITEM_BYTES
    assert limits.BATCH_WAVEFORMS * len(body) < limits.BATCH_BYTES
    assert isinstance(decode(body), Item)


@pytest.mark.parametrize(("samples", "rate_hz"), [(1255, 6400.0), (1305, 6400.0), (2560, 12_800.0)])
def test_waveform__within_two_percent_of_ten_cycles__is_taken(captured, errors_of, samples, rate_hz):
    captured["waveform"] = make_waveform(samples, rate_hz)

    assert errors_of(captured) == []


@pytest.mark.parametrize(
    ("samples", "rate_hz", "cycles"),
    [
        (1250, 6400.0, "9.766 cycles"),
        (128, 6400.0, "1 cycles"),
        (1310, 6400.0, "10.23 cycles"),
        (1280, 7680.0, "8.333 cycles"),
        (1280, 12_800.0, "5 cycles"),
    ],
)
def test_waveform__too_short_or_long_or_of_another_rate__is_refused(
    captured, errors_of, samples, rate_hz, cycles
):
    captured["waveform"] = make_waveform(samples, rate_hz)

    (error,) = errors_of(captured)

    assert (error.field, error.rule, error.value) == ("waveform", "waveform_span", samples)
    assert cycles in error.message
    assert f"{0.2 * rate_hz:.0f} samples at rate_hz {rate_hz:g}" in error.message


def test_waveform__grid_of_60_hz__has_its_own_ten_cycles(captured):
    at_60 = PointLimits.of(PointFacts(nominal_kv=33.0, rated_a=1000.0, rated_mva=50.0), 60.0)
    for reading in captured["readings"]:
        reading["f"] += 10.0
    captured["waveform"] = make_waveform(1067)
    item = decode(msgspec.json.encode(captured))

    assert check([item], pack([item]), [at_60]) == [[]]


@pytest.mark.parametrize(("name", "phase"), [("v", 0), ("v", 2), ("i", 1)])
def test_waveform__series_of_unequal_lengths__are_refused(captured, errors_of, name, phase):
    del captured["waveform"][name][phase][-1]

    (error,) = errors_of(captured)

    assert (error.field, error.rule) == ("waveform", "waveform_length")
    assert "1279" in error.message


def test_waveform__sample_beyond_what_the_point_can_have__is_named(captured, errors_of):
    captured["waveform"]["v"][1][17] = -90_000.0

    (error,) = errors_of(captured)

    assert (error.field, error.rule, error.value) == ("waveform.v[1][17]", "range", -90_000.0)
    assert "-80833" in error.message
    assert "got -90000 V" in error.message


@pytest.mark.parametrize(
    ("scale", "found"),
    [(1e-3, "kilovolts"), (1e-6, "megavolts"), (1 / NOMINAL_V, "per unit"), (3**0.5, "a line voltage")],
)
def test_waveform__voltages_in_another_unit__are_recognised(captured, errors_of, scale, found):
    captured["waveform"] = make_waveform(scale=scale)

    (error,) = errors_of(captured)

    assert (error.field, error.rule) == ("waveform.v[0]", "unit")
    assert f"looks like {found}" in error.message


def test_waveform__dead_or_faulted_phases__are_for_the_models_to_see(captured, errors_of):
    captured["waveform"]["v"][0] = [0.0] * 1280
    captured["waveform"]["v"][1] = [v / 1000 for v in captured["waveform"]["v"][1]]
    captured["waveform"]["i"][2] = [0.0] * 1280

    assert errors_of(captured) == []


@pytest.mark.parametrize(
    ("literal", "field"), [(b"1e400", "waveform.v[1][17]"), (b"null", "waveform.v[1][17]")]
)
def test_waveform__infinite_or_missing_sample__is_refused_with_its_place(captured, literal, field):
    captured["waveform"]["v"][1][17] = 12345.5
    body = msgspec.json.encode(captured).replace(b"12345.5", literal)

    with pytest.raises(WireError) as caught:
        decode(body)

    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity"])
def test_waveform__nan_or_infinity__is_no_json(captured, literal):
    captured["waveform"]["v"][1][17] = 12345.5
    body = msgspec.json.encode(captured).replace(b"12345.5", literal)

    with pytest.raises(MalformedError, match="without NaN"):
        decode(body)


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"rate_hz": 200_000.0}, "waveform.rate_hz", "<= 100000.0"),
        ({"rate_hz": 6.4}, "waveform.rate_hz", ">= 1000.0"),
        ({"v": [[0.0] * 63] * 3}, "waveform.v[0]", ">= 64"),
        ({"i": [[0.0] * 1280] * 2}, "waveform.i", "length 3"),
        ({"i": [[0.0] * 1280, [0.0] * 1280, [0.0] * 20_001]}, "waveform.i[2]", "<= 20000"),
        ({"i": [[0.0] * 1280, [4e5] * 1280, [0.0] * 1280]}, "waveform.i[1][0]", "<= 300000.0"),
        ({"phase": "a"}, "waveform.phase", "unknown field"),
    ],
)
def test_waveform__breaks_the_schema__names_the_field(captured, change, field, text):
    captured["waveform"] |= change

    with pytest.raises(WireError) as caught:
        decode(msgspec.json.encode(captured))

    (error,) = caught.value.errors
    assert error.field == field
    assert text in error.message
