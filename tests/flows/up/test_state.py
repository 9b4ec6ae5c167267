"""The lock and the file of what is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import prefect_server
from flows.up import state as up_state
from flows.up.state import (
    AlreadyUpError,
    PartState,
    UpState,
    held,
    hold,
    read_state,
    state_file,
    write_state,
)
from switchyard.errors import SwitchyardError
from switchyard.home import Home

PREFECT = PartState("prefect", "http://127.0.0.1:4200", "answers")


def up(*parts: PartState) -> UpState:
    return UpState(1, "2026-01-01T00:00:00+00:00", True, parts)


def test_hold__held_and_released__file_counts_only_while_held(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert not held(home)
    with hold(home):
        assert held(home)
        write_state(home, up(PREFECT))
        assert read_state(home) == up(PREFECT)
    assert not held(home)
    assert not state_file(home).exists()


def test_read_state__left_by_a_killed_supervisor__none_and_removed_by_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_state(home, up(PREFECT))
    assert read_state(home) is None
    with hold(home):
        assert not state_file(home).exists()


def test_hold__twice__second_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up_state, "LOCK_PATIENCE_S", 0.1)
    home = Home(tmp_path)
    with hold(home), pytest.raises(AlreadyUpError, match="is up already — switchyard status"), hold(home):
        pass


def test_read_state__holder_wrote_nothing_readable__error_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_state, "LOCK_PATIENCE_S", 0.1)
    home = Home(tmp_path)
    with hold(home):
        state_file(home).write_text("{")
        with pytest.raises(SwitchyardError, match=r"up\.json cannot be read"):
            read_state(home)


def test_prefect_server__up_runs_one__taken_by_other_commands_while_it_answers(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert prefect_server._standing(home) is None
    with hold(home):
        write_state(home, up(PREFECT))
        server = prefect_server._standing(home)
        assert server is not None
        assert (server.url, server.child, server.ours) == ("http://127.0.0.1:4200/api", None, True)
        write_state(home, up(PartState("prefect", "http://127.0.0.1:4200", "restarting")))
        assert prefect_server._standing(home) is None
