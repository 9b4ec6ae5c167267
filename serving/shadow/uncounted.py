"""What a challenger does off the path is no answer of the service, so its figures are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serving.metrics import ModelMetrics


class Uncounted(ModelMetrics):
    """Takes the figures of a model and forgets them."""

    __slots__ = ()

    def __init__(self) -> None:
        self.seconds = self.ok = self.abstained = self.failed = _Unheard()  # type: ignore[assignment]

    def note(self, inputs: Any, answers: Sequence[Any]) -> None:
        """Forget rows."""

    def forget(self) -> None:
        """There is nothing to forget."""


class _Unheard:
    """Stands for a series that nobody reads."""

    def inc(self, amount: float = 1) -> None:
        """Forget a count."""

    def observe(self, amount: float) -> None:
        """Forget a measurement."""
