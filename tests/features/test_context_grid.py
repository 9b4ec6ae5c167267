"""What the control centre says of the grid: names and ranges of the table, ratios, and what is missing."""

import copy
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from data_contracts.tables.stability import KNOWN, STABILITY
from data_contracts.transmission_ac import IMPEDANCES, network
from data_contracts.wire import Item, WireError, decode_item, pack
from data_contracts.wire.grid import MAPS, Grid
from features.context import grid, infeed_loss, lodf
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
        if field.name in MAPS:
            continue
        column = columns[field.name]
        assert field.type.extra == {"unit": column.unit}
        assert field.type.extra_json_schema == {"description": column.description}
        assert (field.type.type.ge, field.type.type.le) == (column.minimum, column.maximum)


def test_features__of_what_is_sent__are_as_sent(read):
    found = read(whole())
    assert [found[name][0] for name in KNOWN] == [1.0 + k / 100 for k in range(len(KNOWN))]
    assert len(grid.FEATURES) == len({one.name for one in grid.FEATURES}) == 120


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


@pytest.fixture(scope="module")
def example():
    """The example's request and what it says of the grid."""
    path = Path(__file__).resolve().parents[2] / "examples" / "stability.json"
    return msgspec.json.decode(path.read_bytes())


def test_read__example__all_features_have_values_and_the_worst_failure_its_score(read, example):
    found = read(example["context"])
    assert all(np.isfinite(column[0]) for column in found.values())
    after = {name: column[0] for name, column in found.items() if name.startswith("score_after_")}
    assert min(after.values()) == pytest.approx(found["screened_outages_score"][0])
    assert found["screened_score"][0] < 60.0 < found["screened_voltage_score"][0]


def test_read__without_a_map__what_needs_it_is_nan(read, example):
    known = {name: example["context"]["grid"][name] for name in KNOWN}
    found = read({"grid": known})
    assert np.isnan(found["severity_worst"][0])
    assert np.isfinite(found["infeed_loss_pu"][0])


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("branches", lambda sent: sent.pop("line-b02-b03"), "missing line-b02-b03"),
        ("buses", lambda sent: sent.update(b40=sent["b39"]), "unknown b40"),
        ("parks_mw", lambda sent: sent.update({"b04-solar": "much"}), "b04-solar|float"),
        ("stations", lambda sent: sent["b30-hydro"].update(units_in_service=2.5), "int"),
        ("branches", lambda sent: sent["line-b02-b03"].update(switched=True), "switched"),
    ],
)
def test_decode__map_of_another_grid_or_type__refused(item, example, name, change, word):
    context = copy.deepcopy(example["context"])
    change(context["grid"][name])
    with pytest.raises(WireError, match=word):
        decode_item(msgspec.json.encode(item(context)))


def test_after_mw__branch_fails__flows_are_those_of_the_network_without_it():
    """Distribution factors against the lossless power flow solved again."""
    rng = np.random.default_rng(3)
    net = network()
    inside = np.ones((1, 46), dtype=bool)
    inside[0, 4] = False
    fed = rng.normal(0.0, 200.0, 39)
    fed[38] -= fed.sum()

    def solved(switched):
        weight = switched / np.array([each[1] for each in IMPEDANCES])
        incidence = np.zeros((46, 39))
        incidence[np.arange(46), net.ends[:, 0]] = 1.0
        incidence[np.arange(46), net.ends[:, 1]] = -1.0
        matrix = (incidence.T * weight) @ incidence
        angle = np.append(np.linalg.solve(matrix[:38, :38], fed[:38]), 0.0)
        return weight * (incidence @ angle)

    found = lodf.after_mw(inside, solved(inside[0])[None])[0]
    for failed in (0, 7, 25):
        without = inside[0].copy()
        without[failed] = False
        np.testing.assert_allclose(found[:, failed], solved(without), atol=1e-2)
    assert np.isnan(found[:, 4]).all()
    # The transformer of a station is its only way out.
    assert np.isnan(found[:, 35]).all()


def test_infeed_loss__more_inertia_and_reserve__shallower_nadir():
    unit_mw, running = np.full((2, 14), 100.0), np.full((2, 10), 2.0)
    losses = np.full((2, 14), 50.0)
    losses[:, 1] = 150.0
    running[1] += 1.0
    load = np.full(2, 1400.0)
    found = infeed_loss.compute(unit_mw, running, load, np.zeros(2), losses)
    at = dict(zip(infeed_loss.NAMES, found.T, strict=True))
    np.testing.assert_allclose(at["infeed_lost_pu"], 150.0 / 1400.0)
    np.testing.assert_allclose(at["infeed_rocof_hz_s"], 25.0 * at["infeed_lost_pu"] / at["inertia_left_s"])
    for nadir in ("proportional_nadir_hz", "ramped_nadir_hz"):
        assert at[nadir][0] < at[nadir][1] < 50.0


def test_proportional_nadir__of_a_reheat_system__is_that_of_the_integrated_equation():
    step, inertia, gain = 0.05, 4.0, 15.0
    x = y = 0.0
    lowest, width = 0.0, 1e-3
    for _ in range(10_000):
        given = gain * (0.28 * -x + 0.72 * y)
        x += width * (given - 1.0 * x - step) / (2.0 * inertia)
        y += width * (-x - y) / 8.0
        lowest = min(lowest, x)
    found = infeed_loss._proportional(np.array([step]), np.array([inertia]), np.array([gain]))
    assert found[0] == pytest.approx(-lowest, rel=2e-3)


def test_screen__all_lines_of_a_bus_out__cuts_it_off_and_still_answers(example):
    sent = msgspec.convert(example["context"]["grid"], Grid)
    told = {name: np.array([values]) for name, values in grid.elements_of(sent).items()}
    for place, (one, other) in enumerate(network().ends.tolist()):
        if 27 in (one, other):
            told["branch_in_service"][0, place] = 0.0
    known = np.array([[getattr(sent, name) for name in KNOWN]])
    found = dict(zip((one.name for one in grid.FEATURES), grid.compute(known, told)[0], strict=True))
    assert np.isfinite(list(found.values())).all()
    assert found["cut_off_most_mw"] >= example["context"]["grid"]["buses"]["b28"]["load_mw"] - 1e-6
