"""Checks beyond types: ranges by the point's nominal, time, units, waveform, models."""

import msgspec
import numpy as np
import pytest

from data_contracts.facts import PointFacts
from data_contracts.wire import PointLimits, check, decode, pack
from data_contracts.wire.check import MOST_ERRORS


def rules(errors):
    return [(error.field, error.rule) for error in errors]


def set_all(body, name, function):
    for reading in body["readings"]:
        reading[name] = function(reading[name])


def test_check__good_item__has_no_errors(request_body, errors_of):
    assert errors_of(request_body) == []


def test_check__single_reading__has_no_errors(request_body, errors_of):
    del request_body["readings"][1:]

    assert errors_of(request_body) == []


@pytest.mark.parametrize(
    ("name", "k", "value", "field", "unit"),
    [
        ("v", 1, 60_000.0, "readings[3].v[1]", "V"),
        ("v", 0, -1.0, "readings[3].v[0]", "V"),
        ("i", 2, 2e5, "readings[3].i[2]", "A"),
        ("p", 0, 1e10, "readings[3].p[0]", "W"),
        ("q", 0, -1e10, "readings[3].q[0]", "var"),
        ("v_ll", 2, 1.1e5, "readings[3].v_ll[2]", "V"),
        ("v_max", 2, 6e4, "readings[3].v_max[2]", "V"),
        ("thd", 0, 500.0, "readings[3].thd[0]", "%"),
    ],
)
def test_check__value_out_of_range__names_phase_value_unit_and_range(
    request_body, errors_of, name, k, value, field, unit
):
    request_body["readings"][3][name][k] = value

    (error,) = errors_of(request_body)

    assert (error.field, error.rule, error.value) == (field, "range", value)
    assert f"{value:.6g} {unit}" in error.message
    assert "must lie within" in error.message


@pytest.mark.parametrize(("name", "value"), [("f", 35.0), ("f", 60.5), ("pst", -1.0)])
def test_check__scalar_out_of_range__is_named_without_a_phase(request_body, errors_of, name, value):
    request_body["readings"][9][name] = value

    assert rules(errors_of(request_body)) == [(f"readings[9].{name}", "range")]


def test_check__grid_of_60_hz__takes_its_own_frequency(request_body):
    limits = PointLimits.of(PointFacts(nominal_kv=33.0, rated_a=1000.0, rated_mva=50.0), 60.0)
    set_all(request_body, "f", lambda f: f + 10.0)
    item = decode(msgspec.json.encode(request_body))

    assert check([item], pack([item]), [limits]) == [[]]


def test_check__null_in_a_good_reading__is_missing(request_body, errors_of):
    request_body["readings"][2]["i"][1] = None
    request_body["readings"][5]["f"] = None

    assert rules(errors_of(request_body)) == [("readings[2].i[1]", "missing"), ("readings[5].f", "missing")]


def test_check__null_in_an_invalid_reading__is_allowed(request_body, errors_of):
    for name in ("v", "i", "p", "q"):
        request_body["readings"][2][name] = [None, None, None]
    request_body["readings"][2] |= {"f": None, "pst": None, "quality": "invalid"}

    assert errors_of(request_body) == []


@pytest.mark.parametrize(
    "time", ["2026-01-05T08:00:04.000Z", "2026-01-05T08:00:05.500Z", "2026-01-05T08:00:04.600Z"]
)
def test_check__readings_not_a_second_apart__are_named(request_body, errors_of, time):
    request_body["readings"][5]["t"] = time

    errors = errors_of(request_body)

    assert rules(errors) == [("readings[5].t", "time_step"), ("readings[6].t", "time_step")]
    assert errors[0].value.startswith("2026-01-05T08:00:0")


def test_check__clock_jitter_within_tolerance__is_allowed(request_body, errors_of):
    request_body["readings"][5]["t"] = "2026-01-05T08:00:05.200Z"

    assert errors_of(request_body) == []


def test_check__newest_first__is_refused(request_body, errors_of):
    request_body["readings"].reverse()

    errors = errors_of(request_body)

    assert {error.rule for error in errors} == {"time_step"}
    assert "oldest first" in errors[0].message


def test_check__other_zone__is_the_same_time(request_body, errors_of):
    request_body["readings"][5]["t"] = "2026-01-05T13:30:05+05:30"

    assert errors_of(request_body) == []


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2261-01-01T00:00:00Z"])
def test_check__time_of_another_century__is_refused(request_body, errors_of, time):
    request_body["readings"] = [dict(request_body["readings"][0], t=time)]

    assert rules(errors_of(request_body)) == [("readings[0].t", "time_range")]


@pytest.mark.parametrize(
    ("factor", "found"),
    [(1e-3, "kilovolts"), (1 / 19_052.6, "per unit"), (3**0.5, "line voltage"), (1e-6, "megavolts")],
)
def test_check__voltages_in_another_unit__are_recognised(request_body, errors_of, factor, found):
    set_all(request_body, "v", lambda v: [factor * x for x in v])

    errors = errors_of(request_body)

    assert errors[0].rule == "unit"
    assert errors[0].field == "readings[0].v[0]"
    assert found in errors[0].message


def test_check__one_phase_in_kilovolts__is_recognised(request_body, errors_of):
    set_all(request_body, "v", lambda v: [v[0], v[1] / 1e3, v[2]])

    assert rules(errors_of(request_body)) == [("readings[0].v[1]", "unit")]


@pytest.mark.parametrize("lines", ["known", "unknown"])
def test_check__phase_behind_an_open_conductor__is_no_wrong_unit(request_body, errors_of, lines):
    """A thousandth of nominal in every reading; the line voltages, or else the powers, say that it is so."""
    for reading in request_body["readings"]:
        reading["v"][1] = 19.0
        for name, share in (("i", 1e-3), ("p", 1e-6), ("q", 1e-6)):
            reading[name][1] *= share
        reading["v_ll"] = [19_015.0, 18_985.0, reading["v_ll"][2]]
        reading["v_min"][1] = reading["v_max"][1] = 19.0
        if lines == "unknown":
            del reading["v_ll"]

    assert errors_of(request_body) == []


def test_check__powers_in_kilowatts__are_recognised(request_body, errors_of):
    for name in ("p", "q"):
        set_all(request_body, name, lambda s: [x / 1e3 for x in s])

    assert rules(errors_of(request_body)) == [(f"readings[0].p[{k}]", "unit") for k in range(3)]


def test_check__currents_in_kiloamperes__are_recognised(request_body, errors_of):
    set_all(request_body, "i", lambda i: [x / 1e3 for x in i])

    assert {rule for _, rule in rules(errors_of(request_body))} == {"unit"}


@pytest.mark.parametrize("kind", ["dead", "noise", "interruption", "spike", "no_load"])
def test_check__anomaly_that_models_must_see__is_not_refused(request_body, errors_of, kind):
    draw = np.random.default_rng(2)
    for k, reading in enumerate(request_body["readings"]):
        if kind == "dead":
            reading["v"][1] = 0.0
        elif kind == "noise":
            reading["v"][1] = abs(draw.normal(0.0, 20.0))
        elif kind == "interruption" and k > 4:
            for name in ("v", "i", "p", "q", "v_ll", "v_min", "v_max"):
                reading[name] = [0.0, 0.0, 0.0]
        elif kind == "spike" and k == 4:
            reading["v"][0] *= 2.0
        elif kind == "no_load":
            reading["i"] = [abs(draw.normal(0.0, 0.3)) for _ in range(3)]
            reading["p"] = reading["q"] = [draw.normal(0.0, 5e3) for _ in range(3)]

    assert errors_of(request_body) == []


def test_check__ragged_waveform__is_refused(request_body, errors_of):
    request_body["waveform"] = {
        "rate_hz": 6400,
        "v": [[0.0] * 128, [0.0] * 128, [0.0] * 127],
        "i": [[0.0] * 128] * 3,
    }

    (error,) = errors_of(request_body)

    assert (error.field, error.rule) == ("waveform", "waveform_length")
    assert "127" in error.message


def test_check__unknown_model__is_named(request_body, errors_of):
    request_body["models"] = ["phase_imbalance", "phase_inbalance"]

    (error,) = errors_of(request_body)

    assert (error.field, error.rule, error.value) == ("models[1]", "unknown_model", "phase_inbalance")


def test_check__everything_wrong__lists_the_first_errors_only(request_body, errors_of):
    for reading in request_body["readings"]:
        reading["v"] = [1e9, 1e9, 1e9]
        reading["i"] = [-1.0, -1.0, -1.0]

    assert len(errors_of(request_body)) == MOST_ERRORS


def test_check__batch__gives_each_item_its_own_errors_and_limits(request_body, limits):
    high = PointLimits.of(PointFacts(nominal_kv=400.0, rated_a=1600.0, rated_mva=1100.0), 50.0)
    good = decode(msgspec.json.encode(request_body))
    request_body["readings"][9]["f"] = 0.0
    bad = decode(msgspec.json.encode(request_body))
    set_all(request_body, "f", lambda f: 50.0)
    set_all(request_body, "v", lambda v: [12.0 * x for x in v])
    set_all(request_body, "v_ll", lambda v: [12.0 * x for x in v])
    set_all(request_body, "p", lambda p: [12.0 * x for x in p])
    set_all(request_body, "q", lambda p: [12.0 * x for x in p])
    other = decode(msgspec.json.encode(dict(request_body, readings=request_body["readings"][:4])))
    items = [good, bad, other, good]

    found = check(items, pack(items), [limits, limits, high, limits])

    assert [rules(errors) for errors in found] == [[], [("readings[9].f", "range")], [], []]
    assert rules(check([other], pack([other]), [limits])[0])[0] == ("readings[0].v[0]", "range")
