"""`switchyard keys`: a key is shown once, lists never show one, and errors say what to do."""

import json

import pytest
from click.testing import CliRunner

from switchyard.cli import main
from switchyard.settings import get_settings


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command on a home of its own."""
    monkeypatch.setenv("SWITCHYARD_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(main, [*arguments])
    get_settings.cache_clear()


def test_keys__add_list_rotate_revoke__shown_once_and_never_again(run):
    added = run("keys", "add", "gateway-7", "--substations", "mumbai, delhi", "--days", "30", "--json")
    assert added.exit_code == 0, added.output
    first = json.loads(added.stdout)
    assert first["key"].startswith(f"sy_{first['id']}_")
    assert (first["substations"], first["verbs"]) == (["mumbai", "delhi"], ["infer"])
    second = json.loads(run("keys", "rotate", "gateway-7", "--json").stdout)
    listed = run("keys", "list", "--json")
    rows = json.loads(listed.stdout)
    assert [row["id"] for row in rows] == [first["id"], second["id"]]
    assert all(row["valid"] for row in rows)
    for key in (first["key"], second["key"]):
        assert key.rpartition("_")[2] not in listed.output + run("keys", "list").output
    assert run("keys", "revoke", "gateway-7").output == "2 keys of gateway-7 revoked\n"
    assert json.loads(run("keys", "list", "--json").stdout) == []


def test_keys_add__for_a_person__key_alone_on_standard_output(run):
    added = run("keys", "add", "a", "--substations", "*", "--verbs", "infer,metrics")
    assert added.stdout.count("\n") == 1
    assert added.stdout.startswith("sy_")
    assert "shown this once" in added.stderr


def test_keys__misuse__exit_code_2_and_what_to_do(run):
    added = run("keys", "add", "a", "--substations", "*", "--verbs", "delete")
    assert added.exit_code == 2
    assert "the verbs are infer, models, metrics" in added.stderr
    assert run("keys", "rotate", "nobody").exit_code == 2
    assert run("keys", "add", "a").exit_code == 2


def test_keys__damaged_file__exit_code_1_and_the_file_stays(run, tmp_path):
    run("keys", "add", "a", "--substations", "*")
    path = tmp_path / "home/serving/keys.json"
    path.write_text("{")
    for command in (("list",), ("revoke", "a"), ("add", "b", "--substations", "*")):
        failed = run("keys", *command)
        assert failed.exit_code == 1
        assert "keys.json is damaged" in failed.stderr
    assert path.read_text() == "{"
