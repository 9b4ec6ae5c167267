"""What a person reads."""

from __future__ import annotations

import pytest

from flows.up.overview import Overview, Run, Served, Step, Version
from flows.up.state import PartState, UpState
from flows.up.tables import duration, overview_tables, served_line

UP = UpState(
    7,
    "2026-01-01T00:00:00+00:00",
    True,
    (
        PartState("service", "http://127.0.0.1:3000", "waits", "no snapshot is published yet"),
        PartState("prefect", "http://127.0.0.1:4200", "answers", restarts=2),
    ),
)


def overview(served: Served) -> Overview:
    versions = (
        Version("voltage_sag", 3, "champion", "2026-01-01T00:00:00+00:00", 7300.0, "met", "pooled", True),
        Version("voltage_sag", 4, "challenger", "2026-01-01T00:00:00+00:00", 9.0, "", "federated", False),
    )
    runs = (Run("train-quick", "train", "Running", "2026-01-01T00:00:00+00:00", None),)
    steps = tuple(Step(f"step.{n}", "2026-01-01T00:00:00+00:00", 1.0, "0" * 64) for n in range(20))
    return Overview("/home", UP, served.name, served, versions, runs, steps)


def test_overview_tables__everything__told_as_texts() -> None:
    tables = {
        title.split(" ")[0].rstrip(","): rows
        for title, _, rows in overview_tables(overview(Served("000003-abc")))
    }
    assert tables["up"] == [
        [
            "inference service",
            "http://127.0.0.1:3000",
            "runs, does not answer yet: no snapshot is published yet",
        ],
        ["Prefect: runs, logs, tables", "http://127.0.0.1:4200", "answers (started again 2 times)"],
    ]
    assert tables["Versions"] == [
        ["voltage_sag", "3", "champion", "2 h", "met", "pooled", "yes"],
        ["voltage_sag", "4", "challenger", "9.0 s", "–", "federated", ""],
    ]
    assert tables["Last"] == [["train-quick", "train", "Running", "2026-01-01T00:00:00+00:00", "–"]]
    assert [row[0] for row in tables["Steps"]] == [f"step.{n}" for n in range(8, 20)]


@pytest.mark.parametrize(
    ("served", "line"),
    [
        (Served(None), "none: switchyard run, or switchyard publish, makes one"),
        (Served("000001-abc", note="manifest.json is damaged"), "000001-abc: manifest.json is damaged"),
        (
            Served("000001-abc", "2026-01-01T00:00:00+00:00", {"voltage_sag": "3"}),
            "000001-abc, 1 versions, written 2026-01-01T00:00:00+00:00",
        ),
    ],
)
def test_served_line__none_unreadable_whole(served: Served, line: str) -> None:
    assert served_line(overview(served)) == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.26, "0.3 s"), (119.0, "119 s"), (900.0, "15 min"), (7300.0, "2 h"), (4e5, "5 d")],
)
def test_duration__units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
