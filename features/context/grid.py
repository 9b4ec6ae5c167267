"""What a control centre knows of the whole grid, and what it says of the loss of its largest infeed."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from msgspec import UNSET, inspect
from numpy.typing import NDArray

from data_contracts.wire import Item
from data_contracts.wire.grid import Grid
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "grid"
NEEDS = ("context.grid",)
ABSENT = "NaN when it was not sent"
KNOWN: tuple[str, ...] = Grid.__struct_fields__
"""What is sent, by its name in `context.grid`; the feature has the same name."""

_LOAD, _NEIGHBOUR = "load_metered_mw", "neighbour_load_metered_mw"
_INFEED, _RESERVE = "largest_infeed_metered_mw", "primary_reserve_declared_mw"


def _sent(field: inspect.Field) -> Feature:
    """The feature of a field of `Grid`; its unit and text are those of the wire."""
    kind = field.type
    said = kind.extra_json_schema or {} if isinstance(kind, inspect.Metadata) else {}
    unit = (kind.extra or {}).get("unit", "") if isinstance(kind, inspect.Metadata) else ""
    text = str(said.get("description", field.name))
    return Feature(field.name, GROUP, unit or "1", text[:1].lower() + text[1:], DEFINITION, NEEDS, ABSENT)


def _fields() -> tuple[inspect.Field, ...]:
    described = inspect.type_info(Grid)
    return described.fields if isinstance(described, inspect.StructType) else ()


FEATURES = (
    *(_sent(field) for field in _fields()),
    Feature(
        "infeed_loss_pu", GROUP, "pu",
        "output of the largest infeed, of the load of the grid and its neighbour: the step of power that "
        "its loss is", "swing equation", NEEDS, ABSENT,
    ),
    Feature(
        "primary_reserve_pu", GROUP, "pu", "declared primary reserve of the same load", "swing equation",
        NEEDS, ABSENT,
    ),
)  # fmt: skip

_get = attrgetter(*KNOWN)


def compute(known: Float) -> Float:
    """Features of n states, float64 [n, len(FEATURES)].

    Args:
        known: What is sent of each state, in the order of `KNOWN`, [n, len(KNOWN)]; NaN is unknown.
    """
    at = {name: known[:, place] for place, name in enumerate(KNOWN)}
    both = at[_LOAD] + at[_NEIGHBOUR]
    # A grid without load has no step of power.
    both = np.where(both > 0.0, both, np.nan)
    return np.column_stack([known, at[_INFEED] / both, at[_RESERVE] / both])


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    del windows
    known = np.full((len(items), len(KNOWN)), np.nan)
    for row, item in enumerate(items):
        if item.context is not UNSET and item.context.grid is not UNSET:
            known[row] = [np.nan if value is UNSET else value for value in _get(item.context.grid)]
    return compute(known)
