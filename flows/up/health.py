"""Asking a part whether it really answers, past any proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

TIMEOUT_S = 3.0

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at a part found.

    Attributes:
        state: `answers`, `waits` (alive, but lacks something), or `silent`.
        note: What it lacks, or why it is silent.
    """

    state: Literal["answers", "waits", "silent"]
    note: str = ""


Check = Callable[[], Health]


def pages(*urls: str) -> Check:
    """Check that every one of these pages is answered with status 200."""

    def check() -> Health:
        for url in urls:
            status, text = _get(url)
            if status != 200:
                return Health("silent", text if status is None else f"{url} answered with status {status}")
        return Health("answers")

    return check


def service(url: str) -> Check:
    """Check the service: alive, and ready with a snapshot; without one it waits and says for what."""

    def check() -> Health:
        status, text = _get(f"{url}/livez")
        if status != 200:
            return Health("silent", text if status is None else f"/livez answered with status {status}")
        status, text = _get(f"{url}/readyz")
        if status == 200:
            return Health("answers")
        return Health("waits", _detail(text) or f"/readyz answered with status {status}")

    return check


def _get(url: str) -> tuple[int | None, str]:
    """Status and text of an answer; no status and the reason where there is none."""
    try:
        with _opener.open(url, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return None, str(error)


def _detail(text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return ""
    return str(document.get("detail", "")) if isinstance(document, dict) else ""
