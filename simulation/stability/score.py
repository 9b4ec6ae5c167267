"""How stable a state is: three margins, each against its requirement, and the least of them.

The lines that give 0–100 for each are those of `data_contracts.stability_score`.
"""

from __future__ import annotations

from dataclasses import dataclass

from data_contracts.stability_score import FREQUENCY, OUTAGES, SHEDDING_HZ, VOLTAGE, on

MARGINS = ("voltage", "outages", "frequency")


@dataclass(frozen=True, slots=True)
class Score:
    """The score of each margin, their least, its class and which margin it is."""

    voltage: float
    outages: float
    frequency: float

    @property
    def total(self) -> float:
        """The least."""
        return min(self.voltage, self.outages, self.frequency)

    @property
    def limited_by(self) -> str:
        """The first margin that is the least."""
        return min(MARGINS, key=lambda name: float(getattr(self, name)))


def score(margin_pu: float, severity: float, nadir_hz: float) -> Score:
    """Score a state.

    Args:
        margin_pu: Smallest rise of load to the nose after a failure.
        severity: Largest severity after a failure; infinite where one has no solution.
        nadir_hz: Lowest frequency after the largest loss.
    """
    return Score(
        float(on(VOLTAGE, margin_pu)),
        float(on(OUTAGES, severity)),
        float(on(FREQUENCY, nadir_hz - SHEDDING_HZ)),
    )
