"""Which days of which equipment get readings: a stratified sample of the campaign's last year.

Failures are rare: of every four draws one is a day within thirty days of a failure, one a day with a defect
that does not fail so soon, two are sound days. A draw's weight restores the station's own shares: means over
draws with these weights are means over all days that could be drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.rules.assets import HORIZON_D
from simulation.ageing.campaign import Observation, Span
from simulation.clock import DAY_S, local_midnight
from simulation.errors import SimulationError
from simulation.noise import Floats
from switchyard.identity import generator

STRATA = ("failing", "defective", "sound")
"""Fails within thirty days; has a defect and does not; neither."""

LAST_D = 365

_TURNS = ("sound", "failing", "sound", "defective")
_GOLDEN = 0.6180339887498949

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One day of one piece of equipment.

    Attributes:
        asset: Its name.
        day: Day of the campaign, from 0.
        t_asset: Unix seconds at which the day begins, the time of its row in `assets`.
        spell: Number of its spell in service.
        severity: Severity of its defect at the day's end.
        stratum: Where it was drawn from.
        weight: Share of the stratum in the station over that in the sample.
    """

    asset: str
    day: int
    t_asset: int
    spell: int
    severity: float
    stratum: str
    weight: float


@dataclass(frozen=True, slots=True)
class AssetDays:
    """All days in service that can be drawn, n of them, sorted by equipment and day.

    Attributes:
        stream: Names that the draws' offsets are seeded with.
        names: Names of the equipment.
        piece: Row of the piece, shape [n].
        day: Day of the campaign, shape [n].
        midnight: Unix seconds at which the campaign begins.
        spell: Number of the spell, shape [n].
        severity: Severity of the defect, shape [n].
        members: Rows of each stratum.
    """

    stream: tuple[str, ...]
    names: tuple[str, ...]
    piece: Integers
    day: Integers
    midnight: int
    spell: Integers
    severity: Floats
    members: dict[str, Integers]

    @classmethod
    def of(cls, observation: Observation, span: Span, substation: str, utc_offset_s: int) -> AssetDays:
        """Days of the campaign's last year whose next thirty days are observed.

        Args:
            observation: What became of the equipment.
            span: The days that it covers.
            substation: Name of the substation.
            utc_offset_s: Its local time minus UTC.

        Raises:
            SimulationError: There is no such day.
        """
        lives = observation.lives
        total = lives.in_service.shape[0]
        days = np.arange(total)
        usable = (days >= total - min(LAST_D, span.days)) & (total - (days + 1) >= HORIZON_D)
        piece, day = np.nonzero((lives.in_service & usable[:, None]).T)
        if not piece.size:
            raise SimulationError(
                f"{substation}: no day of {span.days} has its next {HORIZON_D:g} days observed",
                "raise load_days of the profile, or leave its ageing episodes out",
            )
        severity = lives.recorded["severity"][day, piece]
        failing = lives.failed[day, piece] & (lives.time_to_event_d[day, piece] <= HORIZON_D)
        masks = (failing, ~failing & (severity > 0.0), ~failing & (severity == 0.0))
        return cls(
            stream=(substation, span.campaign, str(span.seed), "ageing"),
            names=observation.fleet.names,
            piece=piece.astype(np.int64),
            day=(day - (total - span.days)).astype(np.int64),
            midnight=local_midnight(span.start, utc_offset_s),
            spell=lives.spell[day, piece].astype(np.int64),
            severity=severity,
            members={name: np.flatnonzero(mask) for name, mask in zip(STRATA, masks, strict=True)},
        )

    def draw(self, index: int) -> Drawn:
        """The draw of a number: the same whoever asks, and another day for every number until all are drawn.

        A stratum without members leaves its turn to the largest one.
        """
        fullest = max(STRATA, key=lambda name: self.members[name].size)
        turns = tuple(name if self.members[name].size else fullest for name in _TURNS)
        stratum = turns[index % len(turns)]
        places = [k for k, name in enumerate(turns) if name == stratum]
        rank = index // len(turns) * len(places) + places.index(index % len(turns))
        members = self.members[stratum]
        offset = int(generator(*self.stream, stratum).integers(members.size))
        row = int(members[(offset + rank * stride(members.size)) % members.size])
        return Drawn(
            asset=self.names[self.piece[row]],
            day=int(self.day[row]),
            t_asset=self.midnight + DAY_S * int(self.day[row]),
            spell=int(self.spell[row]),
            severity=float(self.severity[row]),
            stratum=stratum,
            weight=members.size / self.piece.size * len(turns) / len(places),
        )


def stride(size: int) -> int:
    """The step nearest to the golden section of `size` that visits every place before it returns."""
    step = max(round(_GOLDEN * size), 1)
    while math.gcd(step, size) > 1:
        step += 1
    return step
