import json
import os
import socket
import subprocess
import sys
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from switchyard.cli import main
from switchyard.settings import get_settings


@pytest.fixture
def command(tmp_path):
    """Runs a command line in a home of its own; what options put into the environment does not stay there."""
    get_settings.cache_clear()
    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(tmp_path / "home")}):
        yield lambda *words: CliRunner().invoke(main, words)
    get_settings.cache_clear()


def test_help__cold_process__no_slow_library_imported():
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from switchyard.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {
        "numpy",
        "pandas",
        "pyarrow",
        "mlflow",
        "prefect",
        "pandapower",
        "altdss",
        "pydantic",
        "bentoml",
        "rich",
    }
    assert not slow & set(done.stdout.split())


def test_help__every_command__has_a_line_and_the_common_options(command):
    for name in main.commands:
        shown = command(name, "--help")
        assert shown.exit_code == 0, name
        assert main.commands[name].get_short_help_str(), name
    for name in ("run", "serve", "infer", "status"):
        assert all(option in command(name, "--help").output for option in ("--home", "--profile", "--json"))


def test_unknown_command__exit_2(command):
    assert command("fly").exit_code == 2


def test_wrong_profile__exit_1_with_the_choices_and_no_traceback(command):
    done = command("simulate", "--profile", "huge")
    assert done.exit_code == 1
    assert "'huge'" in done.output
    assert "tiny, quick, full" in done.output
    assert "Traceback" not in done.output


def test_doctor__json__one_value_with_remedies_for_what_is_missing(command):
    findings = json.loads(command("doctor", "--json").output)
    assert {"python", "OpenDSS", "home", "loopback"} <= {finding["name"] for finding in findings}
    assert all(finding["remedy"] for finding in findings if finding["state"] != "ok")


def test_models__nothing_published__all_sixteen_listed(command):
    listed = json.loads(command("models", "--json").output)
    assert len(listed) == 16
    assert all(row["published"] == {} for row in listed)


def test_infer__nothing_listens__exit_1_names_the_address(command, tmp_path):
    request = tmp_path / "request.json"
    request.write_text("{}")
    done = command("infer", str(request), "--url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "127.0.0.1:9" in done.output


def test_status__empty_home__says_none(command):
    found = json.loads(command("status", "--json").output)
    assert found["snapshot"] is None
    assert found["up"] is None
    assert found["versions"] == found["runs"] == found["steps"] == []
    assert "switchyard up starts the service" in command("status").output


def test_down__nothing_is_up__says_so(command):
    done = command("down")
    assert done.exit_code == 0
    assert "nothing is up on" in done.output


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_up__port_is_taken__exit_2_names_the_option(command, detach):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = command("up", "--mlflow-port", port, *detach)
    assert done.exit_code == 2
    assert f"--mlflow-port {port}" in done.output


def test_rollback__nothing_published__exit_1(command):
    assert command("rollback").exit_code == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["promote", "voltage_sage"], 2, "choose one of voltage_anomaly"),
        (["promote", "voltage_sag", "--version", "0"], 2, "--version"),
        (["promote", "voltage_sag"], 1, "voltage_sag has no version in the registry"),
        (["rollback", "voltage_sage"], 2, "choose one of voltage_anomaly"),
        (["rollback", "--to", "2"], 2, "switchyard rollback MODEL --to N"),
        (["rollback", "voltage_sag", "--to", "2"], 1, "voltage_sag has no version in the registry"),
    ],
)
def test_promote_and_rollback__what_is_not_there__is_told_and_nothing_is_started(
    command, tmp_path, words, code, told
):
    done = command(*words)
    assert done.exit_code == code
    assert told in done.output
    assert not (tmp_path / "home" / "prefect").exists()
    assert "Traceback" not in done.output


def test_evaluate__a_recording_for_another_model__exit_2_with_the_command_to_type(command, tmp_path):
    file = tmp_path / "day.csv"
    file.write_text("time,frequency\n", encoding="utf-8")
    result = command("evaluate", "phase_imbalance", "--data", str(file))
    assert result.exit_code == 2
    assert f"switchyard evaluate frequency_stability --data {file}" in result.stderr


def test_evaluate__a_recording_with_a_wrong_cell__exit_1_names_file_row_and_column(command, tmp_path):
    file = tmp_path / "day.csv"
    file.write_text("time,frequency\n2025-01-01 00:00:00,50.0\n2025-01-01 00:00:01,fifty\n", encoding="utf-8")
    result = command("evaluate", "frequency_stability", "--data", str(file))
    assert result.exit_code == 1
    assert f"{file}: row 3: frequency is 'fifty'" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["voltage_sage"], 2, "choose one of voltage_anomaly"),
        (["voltage_sag", "--substation", "paris"], 2, "choose one of mumbai, delhi, bangalore, chennai"),
        (["voltage_sag", "--trials", "0"], 2, "--trials"),
    ],
)
def test_train__what_is_not_there__exit_2_names_what_is_and_starts_nothing(
    command, tmp_path, words, code, told
):
    done = command("train", *words, "--profile", "quick")
    assert done.exit_code == code
    assert told in done.output
    assert not (tmp_path / "home" / "prefect").exists()
    assert "Traceback" not in done.output


def test_train__help__says_what_it_takes_and_how_to_call_it(command):
    shown = command("train", "--help").output
    assert "switchyard train voltage_sag --substation delhi --trials 50" in shown
    assert "[MODEL]" in shown
    assert "go on where it ended" in " ".join(shown.split())


def test_federation_run__one_substation__exit_1_says_that_two_are_needed_and_starts_nothing(
    command, tmp_path
):
    done = command("federation", "run", "phase_imbalance", "--substation", "delhi")
    assert done.exit_code == 1
    assert "only delhi can take part, and a global model needs two substations" in done.output
    assert not (tmp_path / "home" / "prefect").exists()


def test_federation_run__a_held_out_substation__exit_2_with_the_choices(command):
    done = command("federation", "run", "--substation", "chennai", "--substation", "delhi")
    assert done.exit_code == 2
    assert "choose among mumbai, delhi, bangalore" in done.output
