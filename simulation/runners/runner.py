"""What a pool asks of whatever solves its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")

RunnerName = Literal["processes", "dask"]
"""Watched processes of our own, or those of a local Dask cluster."""


class Runner(Protocol):
    """Solves calls in other processes; used by one thread."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""

    def start(self) -> None:
        """Start all workers."""

    def stop(self) -> None:
        """End all workers; what they are at is given up."""

    def submit(self, name: str, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Queue a call of an importable function; `name` is for messages."""

    def drop(self, futures: Iterable[Future[Any]]) -> None:
        """Forget calls that have not begun."""

    def look_after(self) -> None:
        """Let work go on; returns as soon as something is done, or a little later."""
