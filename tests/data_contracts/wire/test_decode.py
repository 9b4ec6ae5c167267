"""Strict decoding, with errors that name the field."""

import msgspec
import pytest

from data_contracts.wire import Batch, Item, MalformedError, WireError, decode, decode_item


def encoded(body):
    return msgspec.json.encode(body)


def test_decode__one_item__gives_an_item(request_body):
    item = decode(encoded(request_body))

    assert isinstance(item, Item)
    assert item.readings[3].v == (19010.2, 19044.8, 18981.0)
    assert item.readings[0].t.timestamp() == 1767600000.0


def test_decode__whole_numbers__are_floats(request_body):
    request_body["readings"][0] |= {"v": [19010, 19044, 18981], "f": 50, "pst": 0}

    reading = decode(encoded(request_body)).readings[0]

    assert (reading.v[0], reading.f, reading.pst) == (19010.0, 50.0, 0.0)
    assert isinstance(reading.v[0], float)


def test_decode__every_optional_part__is_understood(request_body):
    request_body |= {
        "waveform": {"rate_hz": 6400, "v": [[0.0] * 128] * 3, "i": [[0.0] * 128] * 3},
        "load_history": {"step_s": 900, "end": "2026-01-05T08:00:00Z", "p": [7.2e6, 7.3e6]},
        "models": ["phase_imbalance"],
        "test": True,
        "context": {
            "ambient_c": 31.5,
            "top_oil_c": 61.0,
            "hours_since_maintenance": 2100,
            "anomalies_24h": 0,
            "events": [{"t": "2026-01-05T07:59:00Z", "kind": "sag", "depth_pct": 12.0, "duration_ms": 90}],
            "planned_switching": ["2026-01-05T09:00:00+05:30"],
            "weather": {"wind_m_s": 4.0, "lightning_per_h": 0.0, "ghi_w_m2": 610.0},
            "loading_history": {"step_s": 60, "end": "2026-01-05T08:00:00Z", "pu": [0.4, 0.5]},
            "tap": {"DTX1": 9},
            "capacitor_steps": {"C1": 1},
            "units": {"G1": {"available_mw": 480}},
            "renewables_mw": {},
            "system_load_mw": 5400.0,
        },
    }

    item = decode(encoded(request_body))

    assert item.context.units["G1"].available_mw == 480.0
    assert item.test is True


def test_decode__batch__keeps_items_encoded_so_that_one_cannot_fail_the_others(request_body):
    bad = dict(request_body, point=7)

    batch = decode(encoded({"items": [request_body, bad, request_body]}))

    assert isinstance(batch, Batch)
    assert decode_item(batch.items[0]) == decode_item(batch.items[2])
    with pytest.raises(WireError) as caught:
        decode_item(batch.items[1])
    assert caught.value.errors[0].field == "point"


def spoil(body, path, value):
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "field", "rule", "shown"),
    [
        (("readings", 3, "v"), [19010.2, 19044.8], "readings[3].v", "schema", "[19010.2,19044.8]"),
        (("readings", 3, "v"), [1.0, 2.0, 3.0, 4.0], "readings[3].v", "schema", "[1.0,2.0,3.0,4.0]"),
        (("readings", 3, "v", 1), "19044", "readings[3].v[1]", "schema", "19044"),
        (("readings", 3, "v", 1), True, "readings[3].v[1]", "schema", True),
        (("readings", 0, "quality"), "fine", "readings[0].quality", "schema", "fine"),
        (("readings", 2, "t"), "2026-01-05T08:00:02", "readings[2].t", "schema", "2026-01-05T08:00:02"),
        (("readings", 2, "t"), "yesterday", "readings[2].t", "schema", "yesterday"),
        (("readings", 2, "t"), 1767600000, "readings[2].t", "schema", 1767600000),
        (("readings",), [], "readings", "schema", "[]"),
        (("readings", 1, "voltage"), 1.0, "readings[1].voltage", "unknown_field", msgspec.UNSET),
        (("colour",), "red", "colour", "unknown_field", msgspec.UNSET),
        (("context",), {"ambient_c": 900.0}, "context.ambient_c", "schema", 900.0),
        (("context",), {"tap": {"DTX1": 1.5}}, "context.tap[...]", "schema", '{"DTX1":1.5}'),
        (("waveform",), {"rate_hz": 10, "v": [], "i": []}, "waveform.rate_hz", "schema", 10),
        (("models",), [], "models", "schema", "[]"),
    ],
)
def test_decode__breaks_the_schema__names_field_rule_and_value(request_body, path, value, field, rule, shown):
    spoil(request_body, path, value)

    with pytest.raises(WireError) as caught:
        decode(encoded(request_body))

    (error,) = caught.value.errors
    assert (error.field, error.rule, error.value) == (field, rule, shown)
    assert error.message


@pytest.mark.parametrize("name", ["t", "v", "i", "p", "q", "f"])
def test_decode__required_channel_left_out__is_named(request_body, name):
    del request_body["readings"][4][name]

    with pytest.raises(WireError) as caught:
        decode(encoded(request_body))

    assert caught.value.errors[0].field == f"readings[4].{name}"
    assert caught.value.errors[0].rule == "required_field"


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity"])
def test_decode__nan_or_infinity__is_malformed(request_body, literal):
    body = encoded(request_body).replace(b"19010.2", literal)

    with pytest.raises(MalformedError, match="not JSON"):
        decode(body)


def test_decode__number_beyond_float64__is_refused_with_its_place(request_body):
    body = encoded(request_body).replace(b"19010.2", b"1e400")

    with pytest.raises(WireError, match="out of range") as caught:
        decode(body)

    assert caught.value.errors[0].field == "readings[0].v[0]"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"substation": "mumbai"', b'{"a":' * 100_000, b'{"point": "\xff"}']
)
def test_decode__not_json__is_malformed(body):
    with pytest.raises(MalformedError):
        decode(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", ""),
        (b"3", ""),
        (b"{}", "substation"),
        (b'{"items": []}', "items"),
        (b'{"items": 3}', "items"),
        (b'{"items": [1], "more": 2}', "more"),
        (b'{"items": [' + b"1," * 1000 + b"1]}", "items"),
    ],
)
def test_decode__json_of_another_shape__names_the_field(body, field):
    with pytest.raises(WireError) as caught:
        decode(body)

    assert caught.value.errors[0].field == field


def test_decode_item__larger_than_an_item_may_be__is_refused(request_body):
    request_body["context"] = {"planned_switching": ["2026-01-05T09:00:00Z"] * 12_000}

    with pytest.raises(WireError) as caught:
        decode_item(encoded(request_body))

    assert caught.value.errors[0].rule == "item_size"


def test_decode__too_many_readings__is_refused(request_body):
    request_body["readings"] *= 61

    with pytest.raises(WireError) as caught:
        decode(encoded(request_body))

    assert caught.value.errors[0].field == "readings"
    assert len(caught.value.errors[0].value) <= 80
