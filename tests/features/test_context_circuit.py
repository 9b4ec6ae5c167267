"""The station's circuit: powers of its feeders and positions of its regulators, from decoded items."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

import substations
from data_contracts.wire import FeederPower, Item, Station, pack
from data_contracts.wire.request import Context
from features.context import circuit
from features.online import windows_from_rows
from substations.station import station_facts

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def mumbai():
    return station_facts(substations.read("mumbai"))


@pytest.fixture
def sent(mumbai):
    """Context of the design load, with changes."""

    def make(**changes):
        feeders = {
            name: FeederPower(p_w=p, q_var=q)
            for name, p, q in zip(mumbai.feeders, mumbai.design_p_w, mumbai.design_q_var, strict=True)
        }
        whole = Context(
            station=Station(feeders=feeders, v_infeed_v=mumbai.v_nom_v),
            tap={"AT1": 7, "AT2": 8, "DTX1": 9, "DTX2": 10},
            capacitor_steps={"C1": 2, "C2": 0},
        )
        return msgspec.structs.replace(whole, **changes)

    return make


@pytest.fixture
def read(nominals, mumbai):
    def ask(*contexts):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        item = {"substation": "mumbai", "point": "DTX1.LV", "readings": [{"t": END, **reading}]}
        items = [
            msgspec.structs.replace(msgspec.convert(item, Item), context=context) for context in contexts
        ]
        names = nominals.__slots__
        own = {name: getattr(nominals, name) for name in names} | {"station": mumbai}
        known = [type(nominals)(**own) for _ in items]
        found = circuit.read(items, windows_from_rows(pack(items), known))
        return dict(zip((one.name for one in circuit.FEATURES), found.T, strict=True))

    return ask


def test_read__every_feeder_and_regulator__are_in_the_descriptions_order(read, sent, mumbai):
    found = {name: value[0] for name, value in read(sent()).items()}

    count = len(mumbai.feeders)
    assert found[circuit.CODE] == mumbai.circuit.code
    assert [found[name] for name in circuit.P[:count]] == list(mumbai.design_p_w)
    assert [found[name] for name in circuit.Q[:count]] == list(mumbai.design_q_var)
    assert np.isnan([found[name] for name in circuit.P[count:]]).all()
    assert [found[name] for name in circuit.TAP[:3]] == [7.5, 9.0, 10.0]
    assert [found[name] for name in circuit.STEPS[:2]] == [2.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"station": Station()}, circuit.P[:1]),
        ({"tap": {"AT1": 7, "DTX1": 9, "DTX2": 10}}, circuit.TAP[:1]),
        ({"tap": {"AT1": 7, "AT2": 8, "DTX1": 18, "DTX2": 10}}, circuit.TAP[1:2]),
        ({"capacitor_steps": {"C1": 3, "C2": 0}}, circuit.STEPS[:1]),
        ({"capacitor_steps": msgspec.UNSET}, circuit.STEPS[:2]),
    ],
    ids=["feeders", "unit", "position", "steps", "banks"],
)
def test_read__something_lacks__is_nan_there(read, sent, changes, missing):
    found = read(sent(**changes))

    assert all(np.isnan(found[name][0]) for name in missing)
    assert np.isfinite(found[circuit.CODE][0])


def test_read__batch__gives_what_its_items_give_alone(read, sent):
    contexts = sent(), sent(tap={}), Context()

    together = read(*contexts)

    for row, context in enumerate(contexts):
        alone = read(context)
        for name, value in together.items():
            np.testing.assert_array_equal(value[row], alone[name][0])


def test_compute__more_feeders_than_slots__is_not_described(mumbai):
    many = msgspec.structs.replace(mumbai.circuit, lines=mumbai.circuit.lines * 3)
    count = len(many.lines)
    standing = circuit.Standing(np.ones((1, count)), np.ones((1, count)), np.ones((1, 3)), np.ones((1, 2)))

    assert np.isnan(circuit.compute(standing, many)).all()
