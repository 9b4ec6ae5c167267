"""Which piece of equipment an item's condition is about, and what the description says of it.

The context may name it. Otherwise it is the element whose current the point measures: the bay's transformer
or line. Kind and age come from the description, unless the context sends an age, such as a replacement's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

import msgspec
from msgspec import UNSET

from data_contracts.wire import Condition, FieldError, Item, WireError
from data_contracts.wire.request import AssetKind
from substations.description import Substation

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of equipment: what it is, and its first day in service."""

    kind: AssetKind
    commissioned: date


@dataclass(frozen=True, slots=True)
class Equipment:
    """Equipment of one substation.

    Attributes:
        pieces: Every piece by its name.
        of_point: Name of the piece whose current a point measures, by the point's name.
    """

    pieces: Mapping[str, Piece]
    of_point: Mapping[str, str]

    @classmethod
    def of(cls, described: Substation) -> Equipment:
        """The equipment of a description."""
        by_element = {str(piece.element): piece.id for piece in described.assets if piece.element is not None}
        return cls(
            {piece.id: Piece(piece.kind, piece.commissioned) for piece in described.assets},
            {
                point.id: by_element[str(point.element)]
                for point in described.points
                if str(point.element) in by_element
            },
        )

    def complete(self, item: Item) -> Item:
        """The item with kind and age of the piece that its condition is about.

        Raises:
            WireError: The context names a piece that there is not, or calls it what it is not.
        """
        context = item.context
        if context is UNSET or (context.asset is UNSET and context.condition is UNSET):
            return item
        if context.asset is not UNSET and context.asset not in self.pieces:
            raise _unknown(context.asset, self.pieces)
        name = self.of_point.get(item.point) if context.asset is UNSET else context.asset
        given = Condition() if context.condition is UNSET else context.condition
        if name is None:
            return item
        piece = self.pieces[name]
        if given.asset_kind is not UNSET and given.asset_kind != piece.kind:
            if context.asset is UNSET:
                # Some other piece of the bay, of which only the sender knows.
                return item
            message = f"{name} is a {piece.kind} in the substation's description; leave the kind out"
            raise WireError(
                [
                    FieldError(
                        field="context.condition.asset_kind", rule="asset_kind", message=message,
                        value=given.asset_kind,
                    )
                ]
            )  # fmt: skip
        age = given.age_years
        if age is UNSET:
            days = (item.readings[-1].t.date() - piece.commissioned).days
            age = max(days, 0) / DAYS_A_YEAR
        known = msgspec.structs.replace(given, asset_kind=piece.kind, age_years=age)
        return msgspec.structs.replace(item, context=msgspec.structs.replace(context, condition=known))


NO_EQUIPMENT = Equipment({}, {})
"""Of a site that nothing describes."""


def _unknown(name: str, pieces: Mapping[str, Piece]) -> WireError:
    near = get_close_matches(name, pieces, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    message = f"the substation has no equipment {name!r}{hint}"
    return WireError([FieldError(field="context.asset", rule="unknown_asset", message=message, value=name)])
