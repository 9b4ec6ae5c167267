"""Servers of a run listen on loopback only, and talking to them never goes through a proxy."""

from __future__ import annotations

import os

HOST = "127.0.0.1"


def bypass_proxies() -> None:
    """Exempt loopback from `HTTP_PROXY` for this process and its children."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [part for part in os.environ.get(name, "").split(",") if part]
        if HOST not in listed and "*" not in listed:
            os.environ[name] = ",".join([*listed, HOST])
