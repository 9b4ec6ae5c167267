"""One real Prefect server on loopback for the whole session."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows import prefect_server
from switchyard.home import Home


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("prefect-home"))


@pytest.fixture(scope="session")
def prefect_url(server_home: Home) -> Iterator[str]:
    """Address of the session's server; Prefect's client in this process reports to it."""
    server = prefect_server.start_own(server_home)
    assert server.child is not None
    with server.child:
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

        server.wait_ready()
        with temporary_settings({PREFECT_API_URL: server.url, PREFECT_HOME: str(server_home.prefect)}):
            yield server.url


@pytest.fixture
def home(tmp_path: Path, server_home: Home, prefect_url: str) -> Home:
    """A home whose Prefect database is laid out already, which saves a server its slowest seconds."""
    assert prefect_url
    home = Home(tmp_path / "home")
    home.prefect.mkdir(parents=True)
    with (
        closing(sqlite3.connect(server_home.prefect / "prefect.db")) as source,
        closing(sqlite3.connect(home.prefect / "prefect.db")) as target,
    ):
        source.backup(target)
    return home
