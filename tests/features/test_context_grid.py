"""What the control centre says of the grid: names and ranges of the table, ratios, and what is missing."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from data_contracts.tables.stability import KNOWN, STABILITY
from data_contracts.wire import Item, WireError, decode_item, pack
from data_contracts.wire.grid import Grid
from features.context import grid
from features.online import windows_from_rows

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)


@pytest.fixture
def item():
    """An item of the whole grid with a context of its own."""

    def make(context):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        said = {"substation": "mumbai", "point": "SYSTEM", "readings": [{"t": END, **reading}]}
        return said | ({} if context is None else {"context": context})

    return make


@pytest.fixture
def read(nominals, item):
    def ask(*contexts):
        items = [msgspec.convert(item(context), Item) for context in contexts]
        found = grid.read(items, windows_from_rows(pack(items), [nominals] * len(items)))
        return dict(zip((one.name for one in grid.FEATURES), found.T, strict=True))

    return ask


def whole(**changes):
    return {"grid": {name: 1.0 + k / 100 for k, name in enumerate(KNOWN)} | changes}


def test_wire__fields__are_the_known_columns_with_their_units_and_ranges():
    assert grid.KNOWN == KNOWN
    columns = {column.name: column for column in STABILITY.columns}
    for field in msgspec.inspect.type_info(Grid).fields:
        column = columns[field.name]
        assert field.type.extra == {"unit": column.unit}
        assert field.type.extra_json_schema == {"description": column.description}
        assert (field.type.type.ge, field.type.type.le) == (column.minimum, column.maximum)


def test_features__of_what_is_sent__are_as_sent(read):
    found = read(whole())
    assert [found[name][0] for name in KNOWN] == [1.0 + k / 100 for k in range(len(KNOWN))]
    assert len(grid.FEATURES) == 40


def test_features__largest_infeed_and_reserve__are_of_the_load_of_both(read):
    known = whole(
        load_metered_mw=4000.0,
        neighbour_load_metered_mw=1000.0,
        largest_infeed_metered_mw=250.0,
        primary_reserve_declared_mw=300.0,
    )
    found = read(known)
    assert found["infeed_loss_pu"][0] == pytest.approx(0.05)
    assert found["primary_reserve_pu"][0] == pytest.approx(0.06)


def test_read__what_is_silent__is_nan_with_what_needs_it(read):
    part = whole()
    del part["grid"]["neighbour_load_metered_mw"]
    found = read(part, None, {}, {"grid": {}}, whole(load_metered_mw=0.0, neighbour_load_metered_mw=0.0))
    for name in ("neighbour_load_metered_mw", "infeed_loss_pu", "primary_reserve_pu"):
        assert np.isnan(found[name][:4]).all()
    assert np.isfinite(found["load_metered_mw"]).tolist() == [True, False, False, False, True]
    assert np.isnan(found["infeed_loss_pu"][4])


@pytest.mark.parametrize(
    "wrong", [{"load_metered_mw": -1.0}, {"v_min_metered_pu": 2.5}, {"load_mw": 4000.0}, {"loops": "eight"}]
)
def test_decode__out_of_range_unknown_or_of_another_type__refused_with_its_path(item, wrong):
    body = msgspec.json.encode(item(whole(**wrong)))
    with pytest.raises(WireError, match="grid"):
        decode_item(body)
