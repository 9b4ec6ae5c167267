"""The single-line diagram shows every bay, with the figures of the data."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import msgspec
import pytest

import substations
from flows.pictures import diagram
from flows.pictures.diagram import CLASSES, Diagram, colour_of
from flows.pictures.layout import busbars, lay_out
from flows.pictures.state import heaviest, rated_current_a
from flows.pictures.style import GREY
from substations.description import Substation

NAMES = ("mumbai", "delhi", "bangalore", "chennai")


def bays(svg: str) -> dict[str, dict[str, float]]:
    found = {}
    for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if "data-point" in node.attrib:
            point = node.attrib["data-point"]
            found[point] = {
                k: float(v) for k, v in node.attrib.items() if k.startswith("data-") and k != "data-point"
            }
    return found


def test_svg__state__figures_are_the_means_of_the_readings(make: Any) -> None:
    source = make(tables=("readings", "readings_truth"), kinds=("normal",))
    state = heaviest(source)
    assert state is not None
    # The second of the two episodes carries more.
    assert state.scenario_id.endswith("normal.000001")
    rows = source.dataset.read("readings", kinds=["normal"]).to_pylist()
    drawn = bays(Diagram(source.substation, state).svg())
    feeders = {feeder.point for feeder in source.substation.feeders}
    assert feeders < set(drawn)
    for point, figures in drawn.items():
        mine = [
            row
            for row in rows
            if row["scenario_id"] == state.scenario_id and row["point"] == point and row["quality"] != 2
        ]
        amps = sum(row[f"i_{phase}_a"] for row in mine for phase in "abc") / (3 * len(mine))
        mw = sum(row[f"p_{phase}_w"] for row in mine for phase in "abc") / len(mine) / 1e6
        rated = rated_current_a(source.substation, source.substation.point(point))
        assert figures["data-current-a"] == pytest.approx(amps, abs=1e-3)
        assert figures["data-p-mw"] == pytest.approx(mw, abs=1e-3)
        assert figures["data-loading-pct"] == pytest.approx(100 * amps / rated, abs=1e-2)


def test_svg__state__switching_is_printed(make: Any) -> None:
    svg = diagram.section(make(tables=("readings", "readings_truth"), kinds=("normal",))).body
    assert "tap 7 of 17" in svg
    assert "0 of 2 in" in svg
    assert "1 of 1 in" in svg


@pytest.mark.parametrize("name", NAMES)
def test_svg__shipped_substation__every_entry_is_named(name: str) -> None:
    substation = substations.read(name)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", Diagram(substation, None).svg())
    for entries in ("infeeds", "transformers", "couplers", "feeders", "capacitors", "reactors", "earthing"):
        assert {entry.id for entry in getattr(substation, entries)} <= set(texts)


@pytest.mark.parametrize("name", NAMES)
def test_lay_out__shipped_substation__bays_keep_apart_within_their_busbar(name: str) -> None:
    substation = substations.read(name)
    layout = lay_out(substation)
    for bus, bar in layout.bars.items():
        above = sorted(x for (_, _, at), x in layout.above.items() if at == bus)
        below = sorted(x for bay, x in layout.below.items() if _bus(substation, bay) == bus)
        for places in (above, below):
            assert all(bar.left <= x <= bar.right for x in places)
            assert all(b - a > 50 for a, b in pairwise(places))


def _bus(substation: Substation, bay: Any) -> str:
    entry = next(entry for entry in getattr(substation, bay.of) if entry.id == bay.id)
    return str(entry.windings[0].bus if bay.of == "transformers" else entry.bus)


def test_svg__one_busbar_with_its_feeders_alone__is_drawn() -> None:
    whole = substations.read("mumbai")
    small = msgspec.structs.replace(
        whole,
        transformers=(),
        couplers=(),
        capacitors=(),
        reactors=(),
        infeeds=whole.infeeds[:1],
        feeders=tuple(feeder for feeder in whole.feeders if feeder.bus == "mv1"),
    )
    assert [bus.id for bus in busbars(small)] == ["hv1", "mv1"]
    svg = Diagram(small, None).svg()
    ET.fromstring(svg)
    assert "F221" in svg
    assert "AT1" not in re.sub("<title>.*?</title>", "", svg, flags=re.DOTALL)


def test_svg__three_sections_on_one_level__coupler_passes_the_middle() -> None:
    whole = substations.read("mumbai")
    coupler = msgspec.structs.replace(whole.couplers[0], id="RING", buses=("lv1", "mv2"))
    svg = Diagram(msgspec.structs.replace(whole, couplers=(*whole.couplers, coupler)), None).svg()
    ET.fromstring(svg)
    assert "RING" in svg


@pytest.mark.parametrize(("loading", "colour"), [(0.0, 0), (24.9, 0), (25.0, 1), (99.9, 3), (140.0, 4)])
def test_colour_of__loading__is_its_class(loading: float, colour: int) -> None:
    assert colour_of(loading) == CLASSES[colour][1]


def test_colour_of__not_measured__is_grey() -> None:
    assert colour_of(None) == GREY


def test_rated_current_a__transformer__is_its_windings() -> None:
    mumbai = substations.read("mumbai")
    assert rated_current_a(mumbai, mumbai.point("DTX1.HV")) == pytest.approx(50e3 / (math.sqrt(3) * 220))
    assert rated_current_a(mumbai, mumbai.point("F221")) == mumbai.point("F221").rated_a
