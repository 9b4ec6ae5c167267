"""Files as a meter's export has them, made here."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from ingestion.mapping import Mapping, parse_mapping
from ingestion.report import Ingested
from ingestion.run import ingest
from switchyard.home import Home

MAPPING = """\
table: load
substation: north
time_zone: {zone}
reject_share: {share}
time: {{columns: [time], zone: {written}, step_s: {step}, ambiguous: {ambiguous}}}
points:
  feeder_a:
    rated_mva: 10
    columns:
      p_w: {{from: {column}, unit: {unit}, sign: {sign}, overflow: {overflow}}}
accept: {accept}
"""


def mapping_text(**changes: object) -> str:
    said = {
        "zone": "Europe/Berlin",
        "share": 0.05,
        "written": "offset",
        "step": 900,
        "ambiguous": "reject",
        "column": "load",
        "unit": "MW",
        "sign": 1,
        "overflow": "[]",
        "accept": "[]",
    }
    return MAPPING.format(**(said | changes))


def load_rows(count: int = 400, start: str = "2024-01-01T00:00:00Z", step_s: int = 900) -> list[str]:
    """Lines of a load of 3 to 7 MW."""
    begin = dt.datetime.fromisoformat(start)
    rng = np.random.default_rng(1)
    values = 5.0 + 2.0 * np.sin(np.arange(count) / 15.0) + 0.2 * rng.random(count)
    return [
        f"{(begin + dt.timedelta(seconds=step_s * k)).isoformat()},{value:.3f}"
        for k, value in enumerate(values)
    ]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


class Bench:
    """Writes files and ingests them."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder, self.home = folder, home

    def file(
        self, lines: list[str], name: str = "load.csv", header: str | None = "time,load", end: str = "\n"
    ) -> Path:
        path = self.folder / name
        head = [] if header is None else [header]
        path.write_text("\n".join([*head, *lines]) + end, encoding="utf-8")
        return path

    def run(
        self, files: Path | list[Path], text: str | None = None, dataset: str = "north", **rest: bool
    ) -> Ingested:
        text = mapping_text() if text is None else text
        paths = files if isinstance(files, list) else [files]
        return ingest(self.home, paths, self.mapping(text), text, dataset, **rest)

    def mapping(self, text: str) -> Mapping:
        return parse_mapping(text)


@pytest.fixture
def bench(tmp_path: Path, home: Home) -> Bench:
    return Bench(tmp_path, home)
