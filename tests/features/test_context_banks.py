"""The bank of a busbar: closed forms against a two-bus circuit, and decoded items against plain arrays."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

import substations
from data_contracts.compensation import TAN_PHI
from data_contracts.wire import FeederPower, Item, Station, pack
from data_contracts.wire.request import Context
from features.context import banks
from features.online import windows_from_rows
from substations.station import station_facts

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)
P_W, Q_VAR, V_PU = 24e6, 3e6, 1.02


@pytest.fixture(scope="module")
def mumbai():
    return station_facts(substations.read("mumbai"))


def context(mumbai, **changes):
    feeders = {
        name: FeederPower(p_w=p, q_var=q)
        for name, p, q in zip(mumbai.feeders, mumbai.design_p_w, mumbai.design_q_var, strict=True)
    }
    whole = Context(
        station=Station(feeders=feeders, v_infeed_v=mumbai.v_nom_v),
        tap={tap.name: 9 for tap in mumbai.taps},
        capacitor_steps={bank.name: 1 for bank in mumbai.banks},
    )
    return msgspec.structs.replace(whole, **changes)


@pytest.fixture
def read(nominals, mumbai):
    def ask(*contexts, point="DTX1.LV", quality="good"):
        known = replace(nominals, station=mumbai)
        v = V_PU * known.v_nom_v
        power = {"p": [-P_W / 3] * 3, "q": [-Q_VAR / 3] * 3}
        reading = {"t": END, "v": [v] * 3, "i": [400.0] * 3, **power, "f": 50.0, "quality": quality}
        item = msgspec.convert({"substation": "mumbai", "point": point, "readings": [reading]}, Item)
        items = [msgspec.structs.replace(item, context=one) for one in contexts]
        found = banks.read(items, windows_from_rows(pack(items), [known] * len(items)))
        return dict(zip((one.name for one in banks.FEATURES), found.T, strict=True))

    return ask


def test_read__bay_that_feeds_a_bank__is_what_compute_makes_of_plain_arrays(read, mumbai):
    found = read(context(mumbai))
    bank = mumbai.banks[0]
    fed = banks.Fed(
        p_w=np.array([P_W]),
        q_var=np.array([Q_VAR]),
        v_pu=np.array([V_PU]),
        steps=np.ones((1, 2)),
        p_feeders_w=np.array([mumbai.design_p_w]),
        q_feeders_var=np.array([mumbai.design_q_var]),
        ratio_pu=np.array([banks.tap_ratio(mumbai, bank, {"DTX1": 9})]),
    )
    np.testing.assert_allclose([*found.values()], banks.compute(fed, mumbai, bank).T, rtol=1e-12)
    assert found["bank_in_service"] == 0.5
    assert found["bank_rated_var"] == 10e6
    assert banks.name_of(float(found["bank_name"][0])) == "C1"


def test_compute__leading_size__brings_a_solved_circuit_to_that_power_factor(mumbai):
    """A stiff grid behind the bank's reactance; the load draws constant power."""
    bank, rated = mumbai.banks[0], mumbai.banks[0].q_var
    p, q_load, k = P_W / rated, 0.9, 0.5

    def settled(size):
        v = 1.0 + 0.0j
        for _ in range(200):
            fed = p + 1j * (q_load - size * abs(v) ** 2)
            v = 1.04 - 1j * bank.x_pu * np.conj(fed / v)
        return abs(v), q_load - size * abs(v) ** 2

    v_pu, q_fed = settled(k)
    feeders = np.array([[p * rated if name == bank.feeders[0] else 0.0 for name in mumbai.feeders]])
    reactive = np.array([[q_load * rated if name == bank.feeders[0] else 0.0 for name in mumbai.feeders]])
    fed = banks.Fed(
        p_w=np.array([p * rated]), q_var=np.array([q_fed * rated]), v_pu=np.array([v_pu]),
        steps=np.array([[1.0, 0.0]]), p_feeders_w=feeders, q_feeders_var=reactive, ratio_pu=np.ones(1),
    )  # fmt: skip
    found = dict(zip((one.name for one in banks.FEATURES), banks.compute(fed, mumbai, bank)[0], strict=True))
    assert found["bank_leading_feeders_pu"] == pytest.approx(found["bank_leading_pu"], rel=1e-9)
    _, after = settled(found["bank_leading_pu"])
    assert after == pytest.approx(-TAN_PHI * p, abs=0.01)


def test_compute__least_loss_by_nameplates__is_the_smallest_of_the_loss_matrix(mumbai):
    q = np.array(mumbai.design_q_var)
    (first, second), steps = mumbai.banks, np.array([[1.0, 1.0]])
    fed = banks.Fed(*(np.ones(1) for _ in range(3)), steps, np.ones((1, q.size)), q[None], np.ones(1))
    place = [one.name for one in banks.FEATURES].index("bank_least_loss_pu")
    found = float(banks.compute(fed, mumbai, first)[0, place]) * first.q_var
    # A bank is a feeder at its busbar that draws nothing but −Q and has no line of its own.
    matrix = np.block(
        [
            [np.array(mumbai.per_va2), np.array([first.by_feeder, second.by_feeder]).T],
            [np.array([first.by_feeder, second.by_feeder]), np.array([first.by_bank, second.by_bank])],
        ]
    )

    def loss(size):
        drawn = np.append(q, [-size, -second.q_var])
        return drawn @ matrix @ drawn

    assert loss(found) < min(loss(found - 1e4), loss(found + 1e4))


@pytest.mark.parametrize(
    ("changes", "gone", "kept"),
    [
        ({"capacitor_steps": {"C2": 1}}, {"bank_leading_pu", "bank_in_service"}, {"bank_p_fed_pu"}),
        ({"capacitor_steps": {"C1": 3, "C2": 1}}, {"bank_leading_pu"}, {"bank_rated_var"}),
        ({"tap": {"DTX1": 40}}, {"bank_ratio_pu"}, {"bank_leading_pu"}),
        ({"station": Station()}, {"bank_leading_feeders_pu", "bank_least_loss_pu"}, {"bank_leading_pu"}),
    ],
)  # fmt: skip
def test_read__something_not_sent__is_nan_in_what_needs_it(read, mumbai, changes, gone, kept):
    found = read(context(mumbai, **changes))
    assert all(np.isnan(found[name]) for name in gone)
    assert all(np.isfinite(found[name]) for name in kept)


def test_read__point_without_a_bank_or_invalid_reading__knows_nothing_of_it(read, mumbai):
    assert all(np.isnan(values).all() for values in read(context(mumbai), point="AT1.MV").values())
    dead = read(context(mumbai), quality="invalid")
    assert np.isnan(dead["bank_leading_pu"])
    assert dead["bank_p_feeders_pu"] > 0


def test_read__batch__is_what_its_items_give_alone(read, mumbai):
    asked = [context(mumbai), context(mumbai, capacitor_steps={"C1": 2, "C2": 0}), context(mumbai, tap={})]
    together = np.array([*read(*asked).values()])
    alone = np.concatenate([np.array([*read(one).values()]) for one in asked], axis=1)
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("name", ["C1", "CAP-33.2", "z", "AAAAAAAA"])
def test_number_of__name__is_told_back(name):
    assert banks.name_of(banks.number_of(name)) == name


@pytest.mark.parametrize("name", ["", "LONGER-THAN-8", "Ä1"])
def test_number_of__name_that_does_not_fit__is_nan(name):
    assert np.isnan(banks.number_of(name))
