"""What is read of a home: the registry, Prefect's database, the snapshot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows.run_lock import run_lock
from flows.up.overview import overview
from switchyard.errors import SwitchyardError
from switchyard.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def write_runs(home: Home) -> None:
    """A database with the columns that are read, as Prefect's server lays them out."""
    home.prefect.mkdir(parents=True)
    with closing(sqlite3.connect(home.prefect / "prefect.db")) as database, database:
        database.execute("create table flow (id, name)")
        database.execute(
            "create table flow_run (id, name, flow_id, state_name, start_time, end_time, "
            "expected_start_time, created, parent_task_run_id)"
        )
        database.execute("insert into flow values (1, 'train')")
        rows = [
            ("train-quick", "Completed", "2026-01-01 10:00:00.5", "2026-01-01 10:01:00.75", None),
            (
                "train-quick-of-a-pipeline",
                "Completed",
                "2026-01-01 11:00:00",
                "2026-01-01 11:00:01",
                "a task",
            ),
            ("train-tiny", "Running", "2026-01-01 12:00:00.000000", None, None),
            ("late", "Scheduled", None, None, None),
        ]
        database.executemany(
            "insert into flow_run values (1, ?1, 1, ?2, ?3, ?4, '2026-01-01 09:00:00', '2026-01-01', ?5)",
            rows,
        )


def test_overview__nothing_there__empty_and_nothing_written(home: Home) -> None:
    found = overview(home)
    assert (found.up, found.snapshot, found.versions, found.runs, found.steps) == (None, None, (), (), ())
    assert not home.root.exists()


def test_overview__runs__newest_first_without_parts_of_others_and_the_dead_are_told(home: Home) -> None:
    write_runs(home)
    assert [(run.name, run.state, run.started, run.seconds) for run in overview(home).runs] == [
        ("train-tiny", "Killed", "2026-01-01T12:00:00+00:00", None),
        ("train-quick", "Completed", "2026-01-01T10:00:00+00:00", 60.2),
        ("late", "Scheduled", None, None),
    ]
    with run_lock(home):
        assert overview(home).runs[0].state == "Running"


def test_overview__prefect_database_is_something_else__error_names_it(home: Home) -> None:
    home.prefect.mkdir(parents=True)
    (home.prefect / "prefect.db").write_text("not a database, whatever its name says" * 50)
    with pytest.raises(SwitchyardError, match=r"prefect\.db cannot be read"):
        overview(home)


def test_overview__snapshot_is_gone__told_not_raised(home: Home) -> None:
    home.serving.mkdir(parents=True)
    home.current.write_text("000001-0123456789ab\n")
    found = overview(home)
    assert found.snapshot == "000001-0123456789ab"
    assert "manifest.json cannot be read" in found.served.note


def test_overview__versions__champions_challengers_and_the_newest_without_alias(home: Home) -> None:
    from models import tracking

    client = tracking.connect(home).client
    for name, aliases in {"voltage_sag": {"champion": 1, "challenger": 3}, "phase_imbalance": {}}.items():
        client.create_registered_model(name)
        for number in (1, 2, 3):
            tags = {"bar": "met" if number == 1 else "missed", "trained_by": "pooled"}
            client.create_model_version(name, source=f"{home.root}/{name}/{number}", tags=tags)
        for alias, number in aliases.items():
            client.set_registered_model_alias(name, alias, str(number))
    found = overview(home).versions
    assert [(one.model, one.version, one.alias, one.bar, one.trained_by, one.served) for one in found] == [
        ("phase_imbalance", 3, "", "missed", "pooled", False),
        ("voltage_sag", 1, "champion", "met", "pooled", False),
        ("voltage_sag", 3, "challenger", "missed", "pooled", False),
    ]
    assert all(0 <= one.age_s < 300 for one in found)
