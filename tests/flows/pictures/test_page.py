"""The page is sound, stands alone, and shows exactly what the dataset holds."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from flows.job import Job
from flows.pictures.page import page, write_pages
from flows.pictures.source import Source
from switchyard.cli import main
from switchyard.home import Home
from switchyard.settings import get_settings
from switchyard.steps import StepRecord

ALL = [
    "diagram",
    "day",
    *(
        f"strip-{kind}"
        for kind in ("normal", "fault", "sag", "swell", "unbalance", "instrument", "harmonic", "overload")
    ),
    "frequency",
    "waveform",
    "voltage-events",
    "labels",
    "counts",
]
XHTML = "{http://www.w3.org/1999/xhtml}"
# Names of XML languages are written like addresses, but nobody fetches them.
NAMESPACE = re.compile(r'xmlns(:\w+)?="[^"]*"')


def sections(text: str) -> list[str]:
    return [node.attrib["id"] for node in ET.fromstring(text).iter(f"{XHTML}section")]


def test_page__all_tables__every_section_and_nothing_from_outside(whole: Source) -> None:
    text = page(whole)
    assert sections(text) == ALL
    bare = NAMESPACE.sub("", text)
    assert "http" not in bare
    assert not re.search(r"<script|<link|<iframe|<img|@import|@font-face", bare)
    assert all(found.startswith("#") for found in re.findall(r'href="([^"]*)"', bare))
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)\)", bare))
    named = re.findall(r' id="([^"]*)"', text)
    assert len(named) == len(set(named))
    assert len(text) < 3_000_000


def test_page__same_dataset__same_bytes(make: Any) -> None:
    source = make(kinds=("normal",), tables=("readings", "readings_truth", "load"))
    assert page(source) == page(source)


@pytest.mark.parametrize(
    ("tables", "kinds", "expected"),
    [
        ((), ("normal",), ["diagram", "counts"]),
        (("load",), ("normal",), ["diagram", "day", "counts"]),
        (("frequency", "sag_events"), ("normal",), ["diagram", "frequency", "voltage-events", "counts"]),
        (("readings",), ("normal", "sag"), ["diagram", "counts"]),
        (
            ("readings", "readings_truth"),
            ("sag", "unbalance"),
            ["diagram", "strip-sag", "strip-unbalance", "labels", "counts"],
        ),
    ],
)
def test_page__some_tables__their_sections_alone(
    make: Any, tables: tuple[str, ...], kinds: tuple[str, ...], expected: list[str]
) -> None:
    assert sections(page(make(tables=tables, kinds=kinds))) == expected


def test_page__reason_with_signs_of_html__is_shown_as_text(make: Any) -> None:
    text = page(make(tables=(), kinds=("fault",)))
    assert "a busbar is &lt;dead&gt; &amp; dark" in text
    cells = ["".join(node.itertext()) for node in ET.fromstring(text).iter(f"{XHTML}td")]
    assert "a busbar is <dead> & dark" in cells


def test_write_pages__profile__one_file_a_substation(make: Any, tmp_path: Path) -> None:
    source = make(tables=("load",), kinds=("normal",))
    job = Job.of("tiny", str(tmp_path / "home"))
    for name in job.profile.substations:
        target = job.dataset(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.dataset.path)
    pages = write_pages(job)
    assert list(pages) == list(job.profile.substations)
    home = Home(tmp_path / "home")
    for path in pages.values():
        assert path.parent == home.reports / "simulation"
        assert sections(path.read_text()) == ["diagram", "day", "counts"]


def test_simulate__report__writes_the_pages_and_tells_where(make: Any, tmp_path: Path) -> None:
    source = make(tables=("load",), kinds=("normal",))
    home = Home(tmp_path / "home")
    job = Job.of("tiny", str(home.root))
    for name in job.profile.substations:
        job.dataset(name).parent.mkdir(parents=True, exist_ok=True)
        job.dataset(name).symlink_to(source.dataset.path)
    record = StepRecord("features", "0" * 64, "1" * 64, {}, (), 1.0, "2026-01-01T00:00:00Z")
    get_settings.cache_clear()
    with (
        patch.dict(os.environ, {"SWITCHYARD_HOME": str(home.root)}),
        patch("flows.launch.launch", return_value=dict.fromkeys(job.profile.substations, record)),
    ):
        done = CliRunner().invoke(main, ["simulate", "--profile", "tiny", "--report", "--json"])
    get_settings.cache_clear()
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == list(job.profile.substations)
    assert all(Path(row["page"]).exists() for row in rows)
