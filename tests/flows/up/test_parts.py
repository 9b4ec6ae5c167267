"""What is started, on which ports, with which settings."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flows.up import parts as up_parts
from flows.up.parts import choose_ports, elsewhere, parts
from switchyard.errors import UsageError
from switchyard.home import Home

PORTS = {"service": 3000, "mlflow": 5000, "prefect": 4200, "worker": 8080}


def test_choose_ports__nothing_given__usual_ones_or_free_ones_and_all_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(up_parts, "USUAL", {"service": taken.getsockname()[1]})
        chosen = choose_ports({"service": None, "mlflow": None, "prefect": None, "worker": None})
        assert chosen["service"] != taken.getsockname()[1]
    assert len(set(chosen.values())) == 4


def test_choose_ports__given_one_is_taken__error_names_the_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"--serve-port {port}: "):
            choose_ports({"service": port, "mlflow": None})


def test_parts__all__listen_on_loopback_and_send_nothing(tmp_path: Path) -> None:
    found = {part.name: part for part in parts(Home(tmp_path), PORTS)}
    assert list(found) == ["service", "prefect", "worker", "deployments", "mlflow"]
    for name in ("service", "prefect", "mlflow"):
        words = found[name].arguments
        assert words[words.index("--host") + 1] == "127.0.0.1"
    assert found["worker"].env["PREFECT_WORKER_WEBSERVER_HOST"] == "127.0.0.1"
    assert found["prefect"].env["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert found["mlflow"].env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert {part.after for part in found.values()} == {None, "prefect"}
    assert elsewhere(Home(tmp_path)) == ()


def test_parts__mlflow_server_of_somebody_else__shown_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHYARD_MLFLOW_URI", "http://mlflow.example:5000")
    assert "mlflow" not in {part.name for part in parts(Home(tmp_path), PORTS)}
    (shown,) = elsewhere(Home(tmp_path))
    assert (shown.name, shown.url, shown.state) == ("mlflow", "http://mlflow.example:5000", "elsewhere")
