"""The page and the examples say what the code does."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from models.catalogue import NAMES, definition
from models.compilation import requires
from serving.abstentions import SEQUENCES
from serving.documentation import BEGIN, END, generated, replace_generated
from serving.engine import Engine
from serving.errors import SnapshotError
from serving.intake import infer
from serving.limits import Limits

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/serving.md"
EXAMPLES = sorted((ROOT / "examples").glob("*.json"))


class Needs(NamedTuple):
    model: str
    features: tuple[str, ...]
    minimum_readings: int
    point_kinds: tuple[str, ...]
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def engine(tmp_path_factory, make_publisher):
    publisher = make_publisher(tmp_path_factory.mktemp("documentation"))
    return Engine.load(publisher.home, publisher.publish())


def test_page__table_of_needs__is_that_of_the_declared_models():
    declared = [definition(name) for name in NAMES]
    needs = [
        Needs(d.name, d.features, d.minimum_readings, d.point_kinds, d.optional, d.one_of, tuple(requires(d)))
        for d in declared
    ]
    page = PAGE.read_text()
    part = page[page.index(BEGIN) : page.index(END) + len(END)]
    assert part == generated(needs)


def test_replace_generated__text_around_it__kept():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replace_generated(page, f"{BEGIN}\nnew\n{END}") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(SnapshotError, match="lacks the lines"):
        replace_generated("before", "new")


def test_page__limits__are_those_of_a_worker():
    page, limits = PAGE.read_text(), Limits()
    assert f"within {limits.body_s:g} s" in page
    assert f"({limits.in_flight}; {limits.large_in_flight} above {limits.item_bytes >> 10} KiB)" in page
    assert f"({limits.beside}: bodies above {limits.inline_bytes >> 10} KiB" in page
    assert f"a batch above {limits.batch_bytes >> 20} MiB" in page
    assert "needs 10, got 9" in page
    assert set(SEQUENCES.values()) == {10}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example__asked__every_item_answered(engine, path):
    answer = json.loads(infer(engine, path.read_bytes(), "r"))
    for item in answer.get("items", [answer]):
        assert "problem" not in item
        # The point of the whole grid is none at which phases are compared.
        expected = "abstained" if path.stem in {"dispatch", "stability"} else "ok"
        assert item["monitoring"]["phase_imbalance"]["status"] == expected


def test_example__unbalance__is_seen_and_exceeds_its_limit(engine):
    answer = json.loads(infer(engine, (ROOT / "examples/unbalance.json").read_bytes(), "r"))
    assert answer["monitoring"]["phase_imbalance"]["imbalance_class"] == "moderate"
    assert answer["monitoring"]["phase_imbalance"]["critical_phase"] == "B"
    assert "vuf" in {one["quantity"] for one in answer["limit_exceeded"]}


def test_example__harmonic__is_answered_by_its_waveform(engine):
    answer = json.loads(infer(engine, (ROOT / "examples/harmonic.json").read_bytes(), "r"))
    assert answer["monitoring"]["harmonic_analysis"]["dominant_harmonics"] == [7, 5]
    assert {"thd_waveform", "h5_waveform"} <= {one["quantity"] for one in answer["limit_exceeded"]}


def test_page__request_shown__is_answered(engine):
    shown = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    answer = json.loads(infer(engine, shown.encode(), "r"))
    assert answer["monitoring"]["phase_imbalance"]["reason"] == "missing_input"
