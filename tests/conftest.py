"""What all tests share, and which of them run in one process."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How long an example takes, and how long it takes to draw one, says how busy the machine is.
settings.register_profile("switchyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("switchyard")

TOGETHER = (
    "tests/federation/test_",
    "tests/flows/test_",
    "tests/models/",
    "tests/serving/",
)
"""How paths begin whose tests share what takes a session long to make: campaigns, homes and servers."""


def scope(nodeid: str) -> str:
    """What a test must share a process with: a beginning in `TOGETHER`, or else its file."""
    path = nodeid.partition("::")[0]
    return next((begin for begin in TOGETHER if path.startswith(begin)), path)


class ByWhatIsShared(LoadScopeScheduling):
    """Hands scopes to whichever process is free, those of most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByWhatIsShared:
    """How tests are handed out to the processes that `-n` asks for."""
    return ByWhatIsShared(config, log)
