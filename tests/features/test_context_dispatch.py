"""One hour of the whole grid: what is sent, the lossless dispatch of it, and what is missing."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from data_contracts.transmission import OWN_LOADS, PARKS, PLANTS, bus_name
from data_contracts.wire import Item, pack
from data_contracts.wire.request import Context, Unit
from features.context import dispatch
from features.online import windows_from_rows

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)
SYSTEM_MW = 4500.0


@pytest.fixture
def sent():
    """Context of an hour in which all plants run, with changes."""

    def make(**changes):
        whole = Context(
            units={
                plant.name: Unit(available_mw=plant.rated_mw, cost_per_mwh=2000.0 + 300.0 * k)
                for k, plant in enumerate(PLANTS)
            },
            renewables_mw={park.name: 0.4 * park.rated_mw for park in PARKS},
            bus_load_mw={bus_name(bus): 240.0 for bus in OWN_LOADS},
            system_load_mw=SYSTEM_MW,
        )
        return msgspec.structs.replace(whole, **changes)

    return make


@pytest.fixture
def read(nominals):
    def ask(*contexts):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        item = {"substation": "mumbai", "point": "SYSTEM", "readings": [{"t": END, **reading}]}
        items = [
            msgspec.structs.replace(msgspec.convert(item, Item), context=context) for context in contexts
        ]
        found = dispatch.read(items, windows_from_rows(pack(items), [nominals] * len(items)))
        return dict(zip((one.name for one in dispatch.FEATURES), found.T, strict=True))

    return ask


def test_read__whole_hour__is_what_was_sent_and_balances_load_and_losses(read, sent):
    found = read(sent())
    assert found["b31_gas_mw"][0] == 640.0
    assert found["b31_gas_per_mwh"][0] == 2300.0
    assert found["b27_solar_mw"][0] == pytest.approx(140.0)
    assert found["load_b16_mw"][0] == 240.0
    total = sum(found[name][0] for name in dispatch.LOSSLESS_MW)
    assert total == pytest.approx((1 + dispatch.LOSS_SHARE) * SYSTEM_MW, abs=1e-3)


@pytest.mark.parametrize(
    "left_out",
    [
        {"units": {"b30-hydro": Unit(available_mw=900.0)}},
        {"renewables_mw": {}},
        {"bus_load_mw": msgspec.UNSET},
        {"system_load_mw": msgspec.UNSET},
    ],
)
def test_read__anything_left_out__has_no_lossless_dispatch(read, sent, left_out):
    found = read(sent(**left_out), sent())
    assert all(np.isnan(found[name][0]) and np.isfinite(found[name][1]) for name in dispatch.LOSSLESS_MW)


def test_read__units_of_another_grid__are_not_taken(read, sent):
    found = read(sent(units={"b99-coal": Unit(available_mw=100.0, cost_per_mwh=1.0)}))
    assert np.isnan(found["b30_hydro_mw"][0])
    assert np.isfinite(found["b04_solar_mw"][0])


def test_read__batch__gives_what_the_items_give_alone(read, sent):
    contexts = [sent(system_load_mw=load) for load in (3400.0, 4100.0, 5000.0)]
    batch = read(*contexts)
    for k, one in enumerate(contexts):
        for name, values in read(one).items():
            np.testing.assert_allclose(values[0], batch[name][k], atol=1e-6)


def test_limits__watched_lines__are_lower_by_what_currents_are_above_flows_and_by_the_margin():
    limits = dispatch.limits_mw(np.array([[2.0, -3.0]]), (2, 11), (0.5, 0.25))[0]
    assert limits[2] == pytest.approx(575.0 * (1 - 0.025))
    assert limits[11] == pytest.approx(552.0 * (1 + 0.0275))
    assert limits[0] == pytest.approx(690.0 * dispatch.UNWATCHED)
