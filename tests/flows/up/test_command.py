"""Starting in the background, where it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.up.command import NotUpError, detach
from flows.up.state import UpState, hold, write_state
from switchyard.home import Home


def test_detach__another_was_faster__error_with_what_the_supervisor_said(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with hold(home):
        write_state(home, UpState(os.getpid(), "2026-01-01T00:00:00+00:00", False, ()))
        with pytest.raises(NotUpError, match=r"ended with exit code 1: .*is up already") as caught:
            detach(home, {"service": None})
    assert caught.value.remedy == f"see {home.logs / 'up.log'}"
