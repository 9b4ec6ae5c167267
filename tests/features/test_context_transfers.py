"""What moving feeders and traction supplies would do: the arithmetic, and how items are read for it."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

import substations
from data_contracts.wire import Item, pack
from features.context import transfers
from features.online import windows_from_rows
from features.rearrangement.arrangements import MOST, Move, code_of, moves_of, reach
from features.rearrangement.outcomes import alternatives, deviation_pct, outcomes
from features.rearrangement.states import States
from substations.movable import movable_facts
from substations.station import station_facts

EXAMPLE = Path(__file__).parents[2] / "examples" / "balancing.json"


@pytest.fixture(scope="module")
def facts():
    return movable_facts(substations.read("mumbai"))


@pytest.fixture
def states(facts):
    """Balanced feeders of 6 + j2 MVA each, the 33 kV ones on their first busbar, TR2 at rest."""
    feeders = (*facts.feeders, *facts.others)
    load = np.full((1, len(feeders), 3), (6e6 + 2e6j) / 3)
    carried = np.array([feeder.carried[0] for feeder in feeders])
    return States(
        v=np.array([[[unit.v_nom_v] * 3 for unit in facts.units]]),
        s_va=np.einsum("fu,nfp->nup", carried, load),
        feeder_va=load,
        side=np.zeros((1, len(feeders)), dtype=np.int64),
        supply_va=np.array([[3e6 + 1e6j, 0.0]]),
        pair=np.array([[0, 1]]),
        price_per_mwh=np.array([5000.0]),
    )


def row_of(within, moved=(), turned=(0, 0)):
    """Place of the arrangement with these feeders moved and supplies turned."""
    wanted = np.isin(np.arange(within.moved.shape[1]), moved)
    return int(
        np.flatnonzero((within.moved == wanted).all(axis=1) & (within.turned == turned).all(axis=1))[0]
    )


def test_reach__mumbais_four_feeders_and_two_supplies__is_what_the_simulation_solves(facts):
    within = reach(len(facts.feeders), len(facts.supplies))
    assert within.moves.size == 99
    assert within.moves[0] == within.operations[0] == 0
    assert within.operations[row_of(within, (1,), (1, 0))] == 2 + 2 + 4


def test_deviation_pct__two_loads__is_half_of_their_difference_over_the_mean():
    assert deviation_pct(np.array([60.0, 40.0])) == pytest.approx(20.0)


def test_outcomes__one_feeder_of_four_balanced_ones_goes__evens_nothing_and_loads_the_other(facts, states):
    """F331 and F332 hang on the first busbar of the description, F333 and F334 on the second."""
    within = reach(len(facts.feeders), len(facts.supplies))
    expected = outcomes(states, facts)
    names = [unit.name for unit in facts.units]
    at = row_of(within, (0,))
    bank = abs(6e6 + 2e6j)
    assert expected.utilisation_pct[0, 0] == pytest.approx(100 * 2 * bank / 50e6)
    assert expected.utilisation_pct[0, at] == pytest.approx(100 * 3 * bank / 50e6)
    assert expected.imbalance_pct[0, 0] == pytest.approx(0.0, abs=1e-9)
    # One group of the two has 3 : 1 feeders, 50 % off their mean; the other stays even.
    assert expected.imbalance_pct[0, at] == pytest.approx(25.0)
    assert names == ["AT1", "AT2", "DTX1", "DTX2"]


def test_outcomes__supply_is_turned__moves_its_current_and_no_power_is_lost(facts, states):
    """Before and after, the current between two phases is S over the line voltage."""
    within = reach(len(facts.feeders), len(facts.supplies))
    bare = outcomes(states, facts)
    at = row_of(within, (), (1, 0))
    assert bare.allowed[0, at]
    assert bare.imbalance_pct[0, at] > 1.0
    back = outcomes(
        States(
            states.v, states.s_va, states.feeder_va, states.side, states.supply_va,
            (states.pair + 1) % 3, states.price_per_mwh,
        ),
        facts,
    )  # fmt: skip
    assert back.imbalance_pct[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_outcomes__supply_at_rest_or_overload__is_not_allowed(facts, states):
    within = reach(len(facts.feeders), len(facts.supplies))
    assert not outcomes(states, facts).allowed[0, row_of(within, (), (0, 1))]
    heavy = States(
        states.v, 2.2 * states.s_va, 2.2 * states.feeder_va, states.side, states.supply_va, states.pair,
        states.price_per_mwh,
    )  # fmt: skip
    expected = outcomes(heavy, facts)
    at = row_of(within, (0, 1))
    assert expected.utilisation_pct[0, at] > 100.0
    assert not expected.allowed[0, at]
    assert expected.allowed[0, 0]


def test_outcomes__far_end_falls_below_its_limit__is_not_allowed(facts, states):
    low = States(
        0.93 * states.v, states.s_va, 1.3 * states.feeder_va, states.side, states.supply_va, states.pair,
        states.price_per_mwh,
    )  # fmt: skip
    within = reach(len(facts.feeders), len(facts.supplies))
    assert not outcomes(low, facts).allowed[0, row_of(within, (0, 1))]
    assert outcomes(states, facts).allowed[0, row_of(within, (0, 1))]


def test_ways__delta_below__turns_the_negative_sequence_and_holds_zero_sequence_back():
    """Delhi's distribution transformers are YNd11."""
    delhi = movable_facts(substations.read("delhi"))
    clock = [one.clock[0] for one in delhi.feeders]
    assert {numbers[:2] for numbers in clock} == {(11, 11)}
    assert not any(any(one.earthed[0]) for one in delhi.feeders)
    mumbai = movable_facts(substations.read("mumbai"))
    assert all(any(one.earthed[0]) for one in mumbai.feeders)


@pytest.mark.parametrize(
    "moves",
    [
        [],
        [Move(supply=False, place=3, origin=1, target=0)],
        [Move(supply=False, place=0, origin=0, target=1), Move(supply=True, place=1, origin=2, target=0)],
    ],
)
def test_code__moves__come_back(moves):
    assert moves_of(code_of(moves)) == moves


def test_alternatives__more_moves__are_never_less_even_and_a_batch_is_its_rows(facts, states):
    rng = np.random.default_rng(3)
    n = 5
    many = States(
        states.v * rng.normal(1, 0.01, (n, 4, 3)),
        states.s_va * rng.normal(1, 0.1, (n, 4, 3)),
        states.feeder_va * rng.normal(1, 0.2, (n, states.feeder_va.shape[1], 3)),
        np.concatenate([rng.integers(2, size=(n, 4)), np.zeros((n, 4), dtype=np.int64)], axis=1),
        np.repeat(states.supply_va, n, axis=0),
        rng.integers(3, size=(n, 2)),
        np.full(n, 5000.0),
    )
    found = alternatives(many, facts)
    assert (np.diff(found.imbalance_pct, axis=1) <= 0).all()
    assert (found.operations[:, 0] == 0).all()
    assert (found.code[:, 0] == 0).all()
    for row in range(n):
        alone = alternatives(many.take(slice(row, row + 1)), facts)
        np.testing.assert_array_equal(alone.imbalance_pct[0], found.imbalance_pct[row])
        np.testing.assert_array_equal(alone.code[0], found.code[row])
        assert [len(moves_of(code)) <= m for m, code in enumerate(found.code[row])] == [True] * (MOST + 1)


@pytest.fixture
def read(nominals):
    mumbai = station_facts(substations.read("mumbai"))

    def ask(*bodies, facts=mumbai):
        items = [msgspec.convert(body, Item) for body in bodies]
        fields = {name: getattr(nominals, name) for name in nominals.__slots__}
        own = [type(nominals)(**{**fields, "station": facts}) for _ in items]
        found = transfers.read(items, windows_from_rows(pack(items), own))
        return dict(zip(transfers.NAMES, found.T, strict=False)) | {"all": found}

    return ask


@pytest.fixture
def body():
    return json.loads(EXAMPLE.read_text())


def test_read__the_example__is_what_plain_arrays_give(read, body):
    found = read(body)
    station = body["context"]["station"]
    bay = station["transformers"]["DTX1"]
    assert found["moves0_imbalance_pct"][0] > found["moves4_imbalance_pct"][0]
    assert found["moves0_operations"][0] == 0.0
    other = np.abs([complex(*x) for x in zip(bay["p"], bay["q"], strict=True)]).sum() / 50e6
    assert found["moves0_utilisation_pct"][0] == pytest.approx(100 * other, rel=0.03)
    assert found["all"][0, -1] == station_facts(substations.read("mumbai")).circuit.code


@pytest.mark.parametrize(
    "change",
    [
        lambda station: station["transformers"].pop("DTX1"),
        lambda station: station["feeders"]["F331"].pop("phases"),
        lambda station: station["feeders"]["F331"].pop("bus"),
        lambda station: station["feeders"]["F331"].update(bus="mv1"),
        lambda station: station["traction"].pop("TR2"),
        lambda station: station.pop("traction"),
    ],
)
def test_read__something_of_the_station_is_not_said__is_nan(read, body, change):
    whole = json.loads(json.dumps(body))
    change(body["context"]["station"])
    found = read(whole, body)["all"]
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_read__station_that_nobody_describes__is_nan(read, body):
    assert np.isnan(read(body, facts=None)["all"]).all()
