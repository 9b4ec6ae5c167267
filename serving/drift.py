"""Counting what models read and say, in the bins of their training, so that drift can be seen from outside.

A version says in its specification what of it is watched, with the deciles of its training rows. Requests
only leave their values here; they are counted together, once a second or when many have come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

HELD_ROWS = 1024
"""Rows after which what is held is counted without waiting: a batch's worth of memory."""

MISSING, OTHER = "missing", "other"


class Quantity(msgspec.Struct, frozen=True):
    """An input or an answer's field that is watched: a number cut at `edges`, or one of `values`.

    Attributes:
        name: Name of the feature or of the answer's field.
        shares: Share of each bin at training, then that of missing ones.
        edges: Ascending; a figure on an edge belongs below it.
        values: Words of a field that is no number.
    """

    name: str
    shares: tuple[float, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.shares) != len(self.bins):
            raise ValueError(f"{self.name} has {len(self.shares)} shares for {len(self.bins)} bins")

    @property
    def bins(self) -> tuple[str, ...]:
        """Names of the bins, as many as `shares`."""
        if self.values:
            return (*self.values, OTHER, MISSING)
        return (*(str(k) for k in range(len(self.edges) + 1)), MISSING)


class Watched(msgspec.Struct, frozen=True):
    """What is watched of a version.

    Attributes:
        features: Some of its inputs.
        outputs: Some fields of its answers.
    """

    features: tuple[Quantity, ...] = ()
    outputs: tuple[Quantity, ...] = ()


class Counts(Protocol):
    """Adds to the figure of one bin."""

    def __call__(self, amount: float) -> None:
        """Add `amount`."""


Adders = Sequence[Sequence[Counts]]
"""For each quantity, what adds to each of its bins."""


class Tally:
    """Counts the values of one version's watched quantities.

    Args:
        watched: What is watched.
        inputs: Names of the version's inputs, in the order of its rows.
        features: What adds to the bins of each watched feature.
        outputs: What adds to the bins of each watched output.
    """

    def __init__(self, watched: Watched, inputs: Sequence[str], features: Adders, outputs: Adders) -> None:
        self._lock = threading.Lock()
        self._held: list[tuple[NDArray[np.float64], Sequence[Any]]] = []
        self._rows = 0
        self._features = [
            (inputs.index(quantity.name), _binning(quantity), adders)
            for quantity, adders in zip(watched.features, features, strict=True)
        ]
        self._outputs = [
            (quantity.name, _binning(quantity), adders)
            for quantity, adders in zip(watched.outputs, outputs, strict=True)
        ]

    def note(self, inputs: NDArray[np.float64], answers: Sequence[Any]) -> None:
        """Hold the rows of one call until they are counted.

        Args:
            inputs: What the model read, [rows, inputs]; not to be changed afterwards.
            answers: What it said; None where it broke.
        """
        with self._lock:
            self._held.append((inputs, answers))
            self._rows += len(inputs)
            many = self._rows >= HELD_ROWS
        if many:
            self.settle()

    def settle(self) -> None:
        """Count what is held."""
        with self._lock:
            held, self._held, self._rows = self._held, [], 0
        if not held:
            return
        rows = np.concatenate([inputs for inputs, _ in held]) if len(held) > 1 else held[0][0]
        for column, binning, adders in self._features:
            _add(adders, binning(rows[:, column].tolist()))
        answers = [answer for _, said in held for answer in said if answer is not None]
        for name, binning, adders in self._outputs:
            _add(adders, binning([getattr(answer, name) for answer in answers]))


def _add(adders: Sequence[Counts], counts: Sequence[int]) -> None:
    for adder, count in zip(adders, counts, strict=True):
        if count:
            adder(count)


def _binning(quantity: Quantity) -> Callable[[list[Any]], list[int]]:
    """From values to the number of them in each bin."""
    size = len(quantity.bins)
    if quantity.values:
        places = {value: k for k, value in enumerate(quantity.values)}

        def words(values: list[Any]) -> list[int]:
            counts = [0] * size
            for value in values:
                missing = value is None or value is msgspec.UNSET
                counts[size - 1 if missing else places.get(word(value), size - 2)] += 1
            return counts

        return words
    edges = np.array(quantity.edges, dtype=np.float64)

    def figures(values: list[Any]) -> list[int]:
        known = np.array([value for value in values if isinstance(value, float | int)], dtype=np.float64)
        known = known[np.isfinite(known)]
        counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=size)
        counts[size - 1] = len(values) - known.size
        return [int(count) for count in counts]

    return figures


def word(value: Any) -> str:
    """The word for a value that is no number; booleans as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
