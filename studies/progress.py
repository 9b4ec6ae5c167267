"""How a long study tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""


def silent(done: int, of: int) -> None:
    """Tell nothing."""
    del done, of
