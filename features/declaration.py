"""What one feature says about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature table.

    Attributes:
        name: Column name; it ends in the unit where a bare number could be misread.
        group: Group of the catalogue.
        unit: Unit; "1" for a plain number.
        formula: How it is computed from the samples of one window.
        source: Standard or paper that it comes from.
        needs: Channels that it reads.
        missing: What missing samples do to it.
        minimum: Fewest valid samples of a series that give a value; below it is NaN.
    """

    name: str
    group: str
    unit: str
    formula: str
    source: str
    needs: tuple[str, ...]
    missing: str
    minimum: int = 1


MEAN_OF_VALID = "mean of the valid samples; NaN when a series that it names has none"
ALL_PHASES = "from the means of the valid samples; NaN when one of the series has none"
EXTREME_OF_VALID = "over the valid samples of the phases that have any; NaN when none has"
SECONDS_OF_THREE = "over the seconds in which all three phases are valid"
PAIRS = "over pairs of successive valid samples; NaN without such a pair"

DEFINITION = "definition"
INSTRUMENT_CHECK = "instrument plausibility check"
