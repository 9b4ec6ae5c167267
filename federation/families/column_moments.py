"""The first round of families whose columns need not be measured in every row: moments of each column.

Later rounds put columns on scales, or bins around them, that all sites share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.family import MINIMUM_ROWS, Expected
from federation.message import Message, State, Update
from federation.moments import ColumnMoments

PHASE = "moments"


def ask(family: str, settings: msgspec.Struct, *, sound: bool) -> State:
    """The first state: settings, and the question for moments.

    Args:
        family: The family in words.
        settings: Its hyper-parameters.
        sound: Whether all of them lie in their ranges.

    Raises:
        FederationError: They do not.
    """
    if not sound:
        raise FederationError(f"{family}: settings out of range: {settings}")
    return Message({"phase": PHASE, "settings": msgspec.to_builtins(settings)})


def usable(X: NDArray[np.float64], columns: int, site: str) -> NDArray[np.float64]:
    """A site's rows [n, columns], if there are enough of them to be spoken of.

    Raises:
        FederationError: There are fewer than `MINIMUM_ROWS`, or they have other columns.
    """
    if X.shape[0] < MINIMUM_ROWS:
        raise FederationError(f"{site} has {X.shape[0]} rows, statistics need {MINIMUM_ROWS}")
    if X.shape[1] != columns:
        raise FederationError(f"{site}: rows have {X.shape[1]} columns, not {columns}")
    return X


def answer(X: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What a site sends of rows [n, p]; NaN is not measured, and columns of few rows are left out."""
    own = ColumnMoments.of(X, MINIMUM_ROWS)
    return {"rows": own.n, "mean": own.mean, "m2": own.m2}


def expects(columns: int, most: int, largest: float) -> Mapping[str, Expected]:
    """The arrays of `answer`, from a site of at most `most` rows whose values stay below `largest`."""
    return {
        "rows": Expected("<i8", (columns,), 0, most),
        "mean": Expected("<f8", (columns,), -largest, largest),
        "m2": Expected("<f8", (columns,), 0.0, most * largest**2),
    }


def inspect(update: Update, full: int = 0) -> str:
    """What is wrong with an answer; empty if nothing is.

    Args:
        update: The answer, its arrays as expected.
        full: How many of the last columns every row has.
    """
    rows = update.array("rows")
    few = np.any((rows > 0) & (rows < MINIMUM_ROWS)) or np.any(rows[rows.size - full :] != update.n)
    return "moments of few rows, or of more than n" if few or rows.max() > update.n else ""


def merged(updates: Sequence[Update]) -> ColumnMoments:
    """Moments of all sites' rows together, added in the order given."""
    parts = [ColumnMoments(one.array("rows"), one.array("mean"), one.array("m2")) for one in updates]
    return reduce(ColumnMoments.merge, parts)
