"""`switchyard federation run` as one types it, in a process of its own, on data that it simulates first."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.confinement import landlock
from federation.ledger import records
from federation.run import ledger_of
from switchyard.home import Home
from switchyard.profiles import NAMES

MINI = Path(__file__).parents[1] / "flows" / "mini.yaml"
TREE, NETWORK = "phase_imbalance", "frequency_stability"
TAKING_PART, LEFT_OUT = ("delhi", "mumbai"), "bangalore"
LONGEST_S = 1500.0


@dataclass(frozen=True)
class Command:
    """Runs commands of one profile on one home.

    Attributes:
        home: The home.
        profile: File of the profile.
    """

    home: Home
    profile: Path

    def __call__(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `switchyard federation ...` and wait for its end."""
        dropped = ("PREFECT_", "SWITCHYARD_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return subprocess.run(
            [
                *(sys.executable, "-c", "from switchyard.cli import main; main()", "federation", *words),
                *("--home", str(self.home.root), "--profile", str(self.profile)),
            ],
            env={**kept, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_S,
        )


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A profile of three training substations and an empty home."""
    folder = tmp_path_factory.mktemp("command")
    described: dict[str, Any] = yaml.safe_load(MINI.read_text())
    simulated = described["simulation"]["episodes"]
    models = [TREE, NETWORK]
    described |= {"name": "three", "training": [*TAKING_PART, LEFT_OUT], "models": models}
    described["federation"] = {"models": models}
    described["tuning"]["trials"] = dict.fromkeys(models, 1)
    # What the two models learn from.
    kinds = ("normal", "fault", "sag", "swell", "unbalance", "harmonic", "frequency", "instrument")
    described["simulation"]["episodes"] = {kind: simulated[kind] for kind in kinds}
    profile = folder / "three.yaml"
    profile.write_text(yaml.safe_dump(described))
    return Command(Home(folder / "home"), profile)


def test_federation_run__single_substation__ends_with_1_says_why_and_starts_nothing(command):
    ran = command("run", TREE, "--substation", "mumbai")
    assert ran.returncode == 1
    assert f"error: {TREE}: only mumbai can take part, and a global model needs two substations" in ran.stderr
    assert "what to do: let more substations take part" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    for path in (command.home.mlflow_db, command.home.data, command.home.state, ledger_of(command.home)):
        assert not path.exists()


def test_federation_run__unknown_substation__ends_with_2_and_names_the_known(command):
    assert "three" not in NAMES
    ran = command("run", TREE, "--substation", "mumbai", "--substation", "atlantis")
    assert ran.returncode == 2
    assert "error: profile three has no training substation 'atlantis'" in ran.stderr
    assert "delhi" in ran.stderr


@dataclass(frozen=True)
class Ran:
    """What a federation of two of three substations left.

    Attributes:
        command: Runs further commands there.
        said: What the federation printed on standard error.
        steps: The JSON value that it printed.
        versions: Tags of each version, by registered name and number.
    """

    command: Command
    said: str
    steps: list[dict[str, Any]]
    versions: dict[tuple[str, int], dict[str, str]]


def registered(home: Home) -> dict[tuple[str, int], dict[str, str]]:
    """Tags of every version in the registry."""
    found: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    with closing(sqlite3.connect(home.mlflow_db)) as store:
        for name, version, key, value in store.execute(
            "select name, version, key, value from model_version_tags"
        ):
            found[name, int(version)][key] = value
    return dict(found)


@pytest.fixture(scope="module")
def ran(command: Command) -> Ran:
    """Two models over two of three substations, where pooling is forbidden."""
    chosen = [word for site in TAKING_PART for word in ("--substation", site)]
    done = command("run", *chosen, SWITCHYARD_POOLING="forbid")
    assert done.returncode == 0, done.stderr
    told = command("run", *chosen, "--json", SWITCHYARD_POOLING="forbid")
    assert told.returncode == 0, told.stderr
    return Ran(command, done.stderr, json.loads(told.stdout), registered(command.home))


@pytest.mark.slow
@pytest.mark.timeout(2 * LONGEST_S)
def test_federation_run__two_of_three__registers_versions_that_say_where_they_come_from(ran):
    own = {(f"{NETWORK}.{site}", 1) for site in TAKING_PART}
    assert set(ran.versions) == {(TREE, 1), (NETWORK, 1), *own}
    for model in (TREE, NETWORK):
        tags = ran.versions[model, 1]
        assert tags["trained_by"] == "federated"
        assert tags["contributors"] == ",".join(TAKING_PART)
        n = {name.removeprefix("n_k."): int(value) for name, value in tags.items() if name.startswith("n_k.")}
        assert set(n) == set(TAKING_PART)
        assert int(tags["n_total"]) == sum(n.values())
        rounds, each = int(tags["rounds"]), int(tags["bytes_per_round"])
        assert rounds > 1
        assert int(tags["bytes_total"]) == pytest.approx(rounds * each, abs=rounds)
        assert (tags["quorum"], tags["refused"]) == ("2", "")
    exact, averaged = (ran.versions[model, 1] for model in (TREE, NETWORK))
    assert (exact["claim"], averaged["claim"]) == ("exact", "approximate")
    assert float(exact["ratio_to_central"]) == pytest.approx(1.0, abs=1e-6)
    assert exact["federation_bar"] == "met"
    assert 0.0 < float(averaged["ratio_to_central"]) < 2.0
    for name, version in own:
        tags = ran.versions[name, version]
        assert tags["trained_by"] == "fine_tuned"
        assert tags["helped"] in {"yes", "no"}


@pytest.mark.slow
@pytest.mark.timeout(2 * LONGEST_S)
def test_federation_run__pooling_forbidden__makes_the_federated_version_champion(ran):
    with closing(sqlite3.connect(ran.command.home.mlflow_db)) as store:
        aliases = store.execute("select name, alias, version from registered_model_aliases").fetchall()
    assert {(name, int(version)) for name, alias, version in aliases if alias == "champion"} >= {
        (TREE, 1), (NETWORK, 1),
    }  # fmt: skip
    assert "pooled" not in {tags["trained_by"] for tags in ran.versions.values()}


@pytest.mark.slow
@pytest.mark.timeout(2 * LONGEST_S)
def test_federation_run__ledger__audits_and_holds_nothing_of_who_was_left_out(ran):
    path = ledger_of(ran.command.home)
    audited = ran.command("audit", "--json")
    assert audited.returncode == 0, audited.stderr
    kept = records(path)
    assert json.loads(audited.stdout) == {"records": len(kept), "head": kept[-1]["digest"]}
    assert {site for one in kept for site in one["sites"]} == set(TAKING_PART)
    heads = {one["digest"]: one["model"] for one in kept}
    for model in (TREE, NETWORK):
        tags = ran.versions[model, 1]
        assert heads[tags["ledger_head"]] == model
        rounds = [one for one in kept if one["model"] == model][: int(tags["rounds"])]
        moved = sum(
            site[way]["bytes"]
            for one in rounds
            for site in one["sites"].values()
            for way in ("sent", "received")
        )
        assert int(tags["bytes_total"]) == moved
    lines = path.read_text().splitlines(keepends=True)
    first = json.loads(lines[0])
    first["sites"][TAKING_PART[0]]["n"] += 1
    path.write_text("".join([json.dumps(first, sort_keys=True, separators=(",", ":")) + "\n", *lines[1:]]))
    tampered = ran.command("audit")
    path.write_text("".join(lines))
    assert tampered.returncode == 1
    assert "line 1: the record is not the one that was written" in tampered.stderr


@pytest.mark.slow
@pytest.mark.timeout(2 * LONGEST_S)
def test_federation_run__site_processes__are_confined_to_their_own_rows(ran):
    layers = "landlock+audit" if landlock.available() else "audit"
    data = ran.command.home.data.resolve()
    for site in TAKING_PART:
        assert f"site {site}: confined by {layers} to {data / f'three.{site}'}" in ran.said
    assert f"site {LEFT_OUT}: confined" not in ran.said


@pytest.mark.slow
@pytest.mark.timeout(2 * LONGEST_S)
def test_federation_run__again__finds_everything_done_before(ran):
    assert {one["name"] for one in ran.steps} == {TREE, NETWORK}
    assert all(one["skipped"] for one in ran.steps)
    report = json.loads((ran.command.home.reports / "federation.json").read_text())
    assert {row["model"] for row in report} == {TREE, NETWORK}
