"""What a poisoned site sends in place of its updates.

Sources: scaled and sign-flipped updates are the model poisoning of Bagdasaryan et al., "How To Backdoor
Federated Learning", AISTATS 2020, and of Blanchard et al., "Machine Learning with Adversaries: Byzantine
Tolerant Gradient Descent", NeurIPS 2017; wrong targets are the label poisoning of Tolpegin et al., "Data
Poisoning Attacks Against Federated Learning Systems", ESORICS 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.averaging import weights_of
from federation.family import LocalData
from federation.message import Message, State, Update
from switchyard.identity import generator

FACTOR = 10.0
ROWS_FACTOR = 1000
PLACES = frozenset({"cell", "nodes", "column", "left", "right"})
"""Arrays that say where numbers belong: scaled, they would be refused as no cells at all."""
TARGETS = frozenset(
    {"y", "Y", "target", "outcome", "time", "index", "pst", "single_share", "load", "offset", "class"}
)
"""What rows of local data are to be predicted, by name; `…_validation` likewise."""

KNOWING = (FACTOR, -1.0)
"""Factors that a site tries which knows the gate's rules."""

Tamper = Callable[[State, Update, Update | None], Update]
"""What is sent for the state that was told, the honest update, and the one before it."""
Passes = Callable[[State, Update], bool]
"""Whether the gate would let an update in, as far as a site can tell."""
Try = Callable[[State, Update, Passes], Update]
"""What a site sends that knows the gate's rules."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A way to poison.

    Attributes:
        means: What it does, in words.
        tamper: Changes an update; None where it stays as it is.
        knows: Looks for what the gate would let in; None where the site does not know its rules.
        rows: Changes a site's rows before it learns from them; None where they stay as they are.
    """

    means: str
    tamper: Tamper | None = None
    knows: Try | None = None
    rows: Callable[[LocalData], LocalData] | None = None

    def sent(self, told: State, honest: Update, last: Update | None, passes: Passes) -> Update:
        """What the site sends for an honest update; `last` itself where it repeats the one before."""
        if self.knows is not None:
            return self.knows(told, honest, passes)
        return honest if self.tamper is None else self.tamper(told, honest, last)

    def applies(self, data: LocalData, *, averages: bool) -> bool:
        """Whether it changes anything: some are for networks only, some need targets."""
        if self.rows is not None:
            return any(name in TARGETS for name in data)
        return self.tamper is not _far_back or averages


def stretched(told: State, update: Update, factor: float) -> Update:
    """An update whose numbers are `factor` times as large; of a network's weights, its movement."""
    before = {name: told.arrays.get(name) for name in update.arrays if _is_weight(name)}
    arrays = {}
    for name, array in update.arrays.items():
        own = before.get(name)
        if name in PLACES or array.dtype.kind == "b":
            arrays[name] = array
        elif own is not None:
            arrays[name] = (own + factor * (array.astype(np.float64) - own)).astype(array.dtype)
        else:
            arrays[name] = _times(array, factor)
    return Message(update.header, arrays)


def with_wrong_targets(data: LocalData) -> LocalData:
    """Rows whose targets are another row's of the same site, drawn anew; the same deal for all of a row's.

    Rows without a target, as of a detector of anomalies, stay as they are.
    """
    found = dict(data)
    for suffix in ("", "_validation"):
        names = [name for name in found if name.removesuffix(suffix) in TARGETS and _ends(name, suffix)]
        if names:
            order = generator("wrong targets", suffix).permutation(len(found[names[0]]))
            found |= {name: found[name][order] for name in names}
    return found


def _not_numbers(_told: State, update: Update, _last: Update | None) -> Update:
    arrays = {
        name: np.full_like(array, np.nan) if array.dtype.kind == "f" else array
        for name, array in update.arrays.items()
    }
    return Message(update.header, arrays)


def _more_rows(_told: State, update: Update, _last: Update | None) -> Update:
    return update.with_header(n=ROWS_FACTOR * update.n)


def _replayed(_told: State, update: Update, last: Update | None) -> Update:
    return update if last is None else last


def _scaled(told: State, update: Update, _last: Update | None) -> Update:
    return stretched(told, update, FACTOR)


def _flipped(told: State, update: Update, _last: Update | None) -> Update:
    return stretched(told, update, -1.0)


def _far_back(told: State, update: Update, _last: Update | None) -> Update:
    """Backwards, as far as the weights' bound allows, less a hundredth; all else is the truth."""
    before = weights_of(told)
    if not before or not weights_of(update):
        return update
    moved = [after.astype(np.float64) - own for after, own in zip(weights_of(update), before, strict=True)]
    reach = float(told.value("settings")["reach"])
    allowed = reach * max(_norm(before), 1.0)
    back = stretched(told, update, -0.99 * allowed / _norm(moved))
    weights = {name: array for name, array in back.arrays.items() if _is_weight(name)}
    return Message(update.header, {**update.arrays, **weights})


def _first_that_passes(told: State, honest: Update, passes: Passes) -> Update:
    tried = (stretched(told, honest, factor) for factor in KNOWING)
    return next((update for update in tried if passes(told, update)), honest)


def _fields_turned(told: State, honest: Update, passes: Passes) -> Update:
    """One field after the other, as long as the gate would let all of it in."""
    turned, sent = stretched(told, honest, -1.0), honest
    for name in sorted(honest.arrays):
        tried = Message(honest.header, {**sent.arrays, name: turned.arrays[name]})
        sent = tried if passes(told, tried) else sent
    return sent


def _ends(name: str, suffix: str) -> bool:
    return name.endswith("_validation") == bool(suffix)


def _is_weight(name: str) -> bool:
    return name.startswith("w") and name[1:].isdecimal()


def _times(array: NDArray[Any], factor: float) -> NDArray[Any]:
    scaled: NDArray[Any] = array.astype(np.float64) * factor
    if array.dtype.kind != "f":
        held = np.iinfo(array.dtype)
        scaled = np.clip(scaled, held.min, held.max)
    return scaled.astype(array.dtype)


def _norm(arrays: Any) -> float:
    return float(np.sqrt(sum(float(np.sum(np.asarray(array, dtype=np.float64) ** 2)) for array in arrays)))


POISONS: Mapping[str, Poison] = {
    "nan": Poison("NaN in every floating array", _not_numbers),
    "rows": Poison(f"n_k times {ROWS_FACTOR}", _more_rows),
    "replayed": Poison("the update of the round before, in its old envelope", _replayed),
    "scaled": Poison(f"every number, or a network's movement, times {FACTOR:g}", _scaled),
    "flipped": Poison("every number, or a network's movement, times -1", _flipped),
    "far_back": Poison("a network's movement turned, and as long as the gate allows", _far_back),
    "knowing": Poison(
        f"in each round the first of these that the gate lets in: times {FACTOR:g}, times -1, the truth",
        knows=_first_that_passes,
    ),
    "turned_fields": Poison(
        "in each round every field that the gate lets in so, times -1; the others are the truth",
        knows=_fields_turned,
    ),
    "wrong_targets": Poison(
        "honest updates from rows whose targets were dealt out anew", rows=with_wrong_targets
    ),
}
