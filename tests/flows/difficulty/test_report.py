"""The report keeps what it knows of the same tables, and is JSON without NaN."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import msgspec

from flows.difficulty import report
from flows.difficulty.cases import Campaign
from flows.difficulty.judging import OPEN, Entry, Figure
from flows.pictures import difficulty
from switchyard.home import Home


def entry(name: str = "load_1h", digest: str = "a" * 64, **changed: Any) -> Entry:
    made = Entry(
        target=name,
        title="Load of a feeder <1 h> ahead",
        dataset="hand.mumbai",
        digest=digest,
        substation="mumbai",
        metric="wape",
        unit="%",
        direction="lower",
        rows=1200,
        groups=50,
        grouped="day",
        centre=0.8,
        spread=0.2,
        best_opponent="a week before",
        constant=Figure(20.0, 19.0, 21.0),
        opponent=Figure(5.0, 4.0, 6.0),
        opponents={"a week before": Figure(5.0, 4.0, 6.0)},
        references={},
        tree3=Figure(3.0, 2.9, 3.1),
        learner=Figure(1.5, 1.4, 1.6),
        oracle=Figure(1.0, 0.9, 1.1),
        knows="the weather to come",
        verdict=OPEN,
        seconds=1.0,
    )
    return msgspec.structs.replace(made, **changed)


def test_write__entries__are_read_again_and_no_number_is_nan(tmp_path: Path) -> None:
    home, held = Home(tmp_path), [entry(), entry("sag", oracle=None, learner=Figure(None, None, None))]

    report.write(home, held)

    assert report.read(home) == held

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    written = json.loads((tmp_path / "reports" / "difficulty.json").read_text(), parse_constant=refuse)
    assert [one["target"] for one in written["targets"]] == ["load_1h", "sag"]
    assert written["targets"][1]["learner"] == {"value": None, "low": None, "high": None}
    lines = (tmp_path / "reports" / "difficulty.md").read_text().splitlines()
    assert lines[2] == "## mumbai"
    assert "| 5 [4, 6] (a week before) |" in lines[6]


def test_read__nothing_or_another_version__no_entries(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert report.read(home) == []
    report.write(home, [entry()])
    with patch.object(report, "VERSION", report.VERSION + 1):
        assert report.read(home) == []


def test_entries__same_content__are_taken_over(tmp_path: Path) -> None:
    dataset: Any = SimpleNamespace(name="hand.mumbai", digest="a" * 64, tables=())
    substation: Any = SimpleNamespace(name="mumbai")
    profile: Any = SimpleNamespace()
    campaign = Campaign(dataset, substation, profile)

    assert report.entries(campaign, [entry(), entry(digest="b" * 64)]) == [entry()]
    assert report.entries(campaign, [entry(digest="b" * 64)]) == []


def test_section__entries__table_and_chart_in_sound_markup() -> None:
    made = difficulty.section([entry(), entry("sag", title="Sag", oracle=None, opponent=None)])

    assert made is not None
    root = ET.fromstring(made.html())
    assert len(root.findall(".//tr")) == 3
    assert "Load of a feeder <1 h> ahead" in "".join(root.itertext())
    assert len(root.findall("figure")) == 1
    assert made.title.startswith("2 of 2 targets")


def test_section__no_entries__none() -> None:
    assert difficulty.section([]) is None
