"""Pieces of equipment that are all alike, days that are all alike, and what their hazards add up to."""

from dataclasses import replace

import numpy as np

from simulation.ageing.hazard import (
    YEAR_D,
)
from simulation.ageing.kinds import KINDS, Fleet
from simulation.ageing.stress import Stress

SOURCE_MVA = 9000.0


def fleet(count: int, kind: str = "transformer", age_y: float = 20.0, **more: np.ndarray) -> Fleet:
    """So many pieces of one kind and one age."""
    one = KINDS[kind]

    def all_(value: float) -> np.ndarray:
        return np.full(count, value)

    found = Fleet(
        names=tuple(f"X{k}" for k in range(count)),
        kind=(kind,) * count,
        bay=("X",) * count,
        age_d=all_(age_y * YEAR_D),
        scale_y=all_(one.scale_y),
        shape=all_(one.shape),
        defects_per_y=all_(one.defects_per_y),
        growth_per_d=all_(one.growth_per_d),
        interval_d=all_(one.interval_d),
        quiet_per_d=all_(one.anomalies[0]),
        full_per_d=all_(one.anomalies[1]),
        oil=all_(one.oil).astype(bool),
        gases=all_(one.gases).astype(bool),
        oltc=all_(kind == "transformer").astype(bool),
        breaker=all_(kind == "breaker").astype(bool),
        switched=all_(0).astype(bool),
    )
    return replace(found, **more)


def stress(days: int, count: int) -> Stress:
    """Days that are all alike."""
    names = set(Stress.__dataclass_fields__) - {"ambient_c"}
    values = {"hot_c": 70.0, "ageing": 0.02, "harmonic": 2.0, "load_pu": 0.4, "peak_pu": 0.6, "swing_pu": 0.1}
    arrays = {name: np.full((days, count), values.get(name, 0.0)) for name in names}
    return Stress(ambient_c=np.full(days, 27.0), **arrays)


def cumulative_hazards(lives: object) -> tuple[np.ndarray, np.ndarray]:
    """Integrated hazard of each spell from the end of its first day in service, and whether it failed."""
    found, ends = [], []
    for a in range(lives.hazard.shape[1]):
        for spell in range(int(lives.spell[:, a].max()) + 1):
            rows = np.flatnonzero((lives.spell[:, a] == spell) & lives.in_service[:, a])
            if not rows.size:
                continue
            last, hazard = rows[-1], lives.hazard[rows, a]
            found.append(hazard[:-1].sum() + hazard[-1] * lives.time_to_event_d[last, a])
            ends.append(lives.failed[last, a])
    return np.array(found), np.array(ends)
