"""Packing readings into arrays, in the order of the contract's columns."""

import msgspec
import numpy as np
import pytest

from data_contracts.plausible import CHANNEL_COLUMNS
from data_contracts.wire import CHANNELS, Reading, decode, pack
from data_contracts.wire.explain import field_path


@pytest.fixture
def item(request_body):
    del request_body["readings"][1]["v_ll"], request_body["readings"][1]["pst"]
    request_body["readings"][2]["quality"] = "questionable"
    request_body["readings"][3] |= {"quality": "invalid", "v": [None, 1.0, None]}
    return decode(msgspec.json.encode(request_body))


def test_channels__every_column_of_readings__has_its_field_on_the_wire():
    covered = [k for place in CHANNELS.values() for k in range(place.start, place.stop)]
    stem = {"v_ll": ("v_ab_v", "v_bc_v", "v_ca_v"), "f": ("f_hz",), "pst": ("pst",)}

    assert covered == list(range(len(CHANNEL_COLUMNS)))
    assert set(CHANNELS) == {field for field in Reading.__struct_fields__ if field not in ("t", "quality")}
    for name, place in CHANNELS.items():
        columns = CHANNEL_COLUMNS[place]
        assert columns == stem.get(name, columns)
        if name not in stem:
            assert [column.rsplit("_", 1)[0] for column in columns] == [f"{name}_{phase}" for phase in "abc"]


def test_pack__readings__become_rows_with_nan_for_what_is_absent(item):
    rows = pack([item])

    assert rows.values.shape == (10, 26)
    assert rows.channel("v")[0].tolist() == [19010.2, 19044.8, 18981.0]
    assert np.isnan(rows.channel("v_ll")[1]).all()
    assert np.isnan(rows.channel("pst")[1]).all()
    assert np.isnan(rows.channel("v")[3]).tolist() == [True, False, True]
    assert rows.quality.tolist() == [0, 0, 1, 2, 0, 0, 0, 0, 0, 0]
    assert rows.t[0] == 1767600000.0
    assert rows.starts.tolist() == [0, 10]


def test_pack__many_items__can_be_taken_apart(item):
    rows = pack([item, item])

    second = rows.item(1)

    assert np.array_equal(second.values, pack([item]).values, equal_nan=True)
    assert second.starts.tolist() == [0, 10]


@pytest.mark.parametrize(
    ("channel", "path"),
    [(1, "readings[3].v[1]"), (12, "readings[3].f"), (25, "readings[3].pst"), (15, "readings[3].v_ll[2]")],
)
def test_field_path__channel__is_what_the_gateway_wrote(channel, path):
    assert field_path(3, channel) == path


def test_field_path__beyond_the_channels__is_an_index_error():
    with pytest.raises(IndexError, match="26 channels"):
        field_path(0, 26)
