"""The station as a whole: what its nameplates say, from plain arrays and from decoded items."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

import substations
from data_contracts.wire import FeederPower, Item, Station, pack
from data_contracts.wire.request import Context
from features.context import station
from features.online import windows_from_rows
from substations.station import station_facts

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def mumbai():
    return station_facts(substations.read("mumbai"))


@pytest.fixture
def sent(mumbai):
    """Context of the design load with all regulators in the middle, with changes."""

    def make(**changes):
        feeders = {
            name: FeederPower(p_w=p, q_var=q)
            for name, p, q in zip(mumbai.feeders, mumbai.design_p_w, mumbai.design_q_var, strict=True)
        }
        whole = Context(
            station=Station(feeders=feeders, v_infeed_v=mumbai.v_nom_v),
            tap={tap.name: 9 for tap in mumbai.taps},
            capacitor_steps={bank.name: bank.steps for bank in mumbai.banks},
        )
        return msgspec.structs.replace(whole, **changes)

    return make


@pytest.fixture
def read(nominals, mumbai):
    def ask(*contexts, facts=mumbai):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        item = {"substation": "mumbai", "point": "DTX1.LV", "readings": [{"t": END, **reading}]}
        items = [
            msgspec.structs.replace(msgspec.convert(item, Item), context=context) for context in contexts
        ]
        known = [replace(nominals, station=facts) for _ in items]
        found = station.read(items, windows_from_rows(pack(items), known))
        return dict(zip((one.name for one in station.FEATURES), found.T, strict=True))

    return ask


def test_read__design_load__has_the_design_shares_and_nominal_voltage(read, sent, mumbai):
    found = {name: value[0] for name, value in read(sent()).items()}

    always_w, design_w, resistive, reactive = station.nameplates(mumbai)
    assert found["no_load_share"] == pytest.approx(1 - resistive - reactive)
    assert found["design_resistive_share"] == resistive
    assert found["nameplate_loss_w"] * found["no_load_share"] == pytest.approx(always_w)
    assert found["nameplate_loss_pct"] == pytest.approx(100 * found["nameplate_loss_w"] / design_w)
    assert found["infeed_v_pu"] == pytest.approx(1.0)
    assert found["station_ratio_pu"] == pytest.approx(0.0)
    assert found["bank_share"] == pytest.approx(sum(bank.q_var for bank in mumbai.banks) / design_w)
    low = np.array(mumbai.design_p_w)[np.array(mumbai.low)].sum()
    assert found["station_low_share"] == pytest.approx(low / design_w)


def test_read__batch__gives_what_its_items_give_alone(read, sent):
    contexts = sent(), sent(tap={}), Context(), sent(capacitor_steps={"C1": 1})

    together = read(*contexts)

    for row, context in enumerate(contexts):
        alone = read(context)
        for name, values in together.items():
            np.testing.assert_array_equal(values[row], alone[name][0])


def test_read__station_that_nobody_knows__is_missing(read, sent):
    assert all(np.isnan(value).all() for value in read(sent(), facts=None).values())


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"station": Station()}, {"nameplate_loss_w", "infeed_v_pu", "bank_share"}),
        ({"station": Station(feeders={"F221": FeederPower(p_w=1e8, q_var=0.0)})}, {"nameplate_loss_w"}),
        ({"tap": {"AT1": 9}}, {"station_ratio_pu"}),
        ({"tap": {"AT1": 0, "AT2": 9, "DTX1": 9, "DTX2": 9}}, {"station_ratio_pu"}),
        ({"capacitor_steps": {"C1": 9, "C2": 0}}, {"bank_share"}),
    ],
    ids=["nothing", "feeders lacking", "taps lacking", "no such position", "no such step"],
)
def test_read__value_that_is_wrong_or_not_sent__makes_what_needs_it_missing(read, sent, change, lost):
    found = read(sent(**change))

    assert all(np.isnan(found[name]).all() for name in lost)


def test_read__powers_in_megawatts_or_an_idle_station__are_missing(read, sent):
    feeders = {
        name: FeederPower(p_w=one.p_w / 1e6, q_var=one.q_var / 1e6)
        for name, one in sent().station.feeders.items()
    }
    kilovolts = Station(feeders=feeders, v_infeed_v=sent().station.v_infeed_v / 1e3)

    found = read(sent(station=kilovolts))

    assert np.isnan(found["nameplate_loss_w"]).all()
    assert np.isnan(found["infeed_v_pu"]).all()
