"""Talking to servers of our own never goes through a proxy."""

from __future__ import annotations

import os

import pytest

from flows.loopback import bypass_proxies


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "127.0.0.1"), ("intranet", "intranet,127.0.0.1"), ("127.0.0.1,x", "127.0.0.1,x"), ("*", "*")],
)
def test_bypass_proxies__listed_hosts__kept_and_loopback_added_once(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        if before is not None:
            monkeypatch.setenv(name, before)
    bypass_proxies()
    bypass_proxies()
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == after
