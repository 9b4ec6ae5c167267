"""Fluctuating loads of an episode: how large each is, and the flicker that it makes at every point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.quality.flickermeter import RATE_HZ, pst
from simulation.quality.modulation import KINDS
from simulation.scenario.world import World

BACKGROUND_PST = 0.3 * 590.0
"""Pst of a quiet level by its half-cycle values' deviation, of which 0.3 is true and the rest the meter's.

590 is that of white noise of unit deviation in an envelope at `RATE_HZ`.
"""

# Pst of several sources adds by the third power (IEC TR 61000-3-7, general summation law with α = 3).
_ALPHA = 3.0
# Where Pst is set, in multiples of the level's planning level: at a feeder's own busbar and at the grid's.
_FEEDER_MEDIAN, _GRID_MEDIAN, _SPREAD, _MOST = 0.35, 0.12, 1.1, 2.5
# Power of a load that swings is mostly reactive; no load swings by more of a feeder's base load, or of the
# grid's short-circuit power.
_DIRECTION, _OF_FEEDER, _OF_GRID = 0.45 + 0.89j, 0.8, 0.05
# Unevenness of a source's phases.
_UNEVEN = 0.25
_SMALL = 0.01
_JUMP, _BLOCK_S = 0.5, 10


@dataclass(frozen=True, slots=True)
class Source:
    """One fluctuating load.

    Attributes:
        kind: What it is.
        place: Feeder, or `grid`.
        x: Its draw beside the mean in multiples of its swing, at `RATE_HZ`, shape [n].
        s_va: Its swing by the engine's loads, VA, shape [l].
        depth: What its whole swing moves each voltage by, fraction of the voltage, shape [p, 3].
        pst: Short-term flicker severity that it makes, shape [p, 3].
    """

    kind: str
    place: str
    x: Floats
    s_va: Complexes
    depth: Floats
    pst: Floats

    def means(self, edges_s: Floats) -> Floats:
        """Mean draw between edges in seconds, shape [edges − 1]."""
        total = np.concatenate([[0.0], np.cumsum(self.x)])
        place = np.rint(edges_s * RATE_HZ).astype(np.int64)
        return np.asarray((total[place[1:]] - total[place[:-1]]) / np.diff(place))

    def parameters(self) -> dict[str, Any]:
        """JSON values."""
        return {"kind": self.kind, "place": self.place, "swing_va": float(np.abs(self.s_va.sum()))}

    @property
    def jumps(self) -> int:
        """How often a motor is started."""
        return int((np.diff(self.x) > _JUMP).sum()) if self.kind == "motor_starts" else 0

    @property
    def peak(self) -> float:
        """Largest departure from the mean of its ten seconds."""
        blocks = self.x.reshape(-1, round(_BLOCK_S * RATE_HZ))
        return float(np.abs(blocks - blocks.mean(axis=1, keepdims=True)).max())

    def swings(self, seconds: int) -> Floats:
        """Standard deviation of its draw within each of the last seconds, shape [seconds]."""
        per = round(RATE_HZ)
        return np.asarray(self.x[-seconds * per :].reshape(seconds, per).std(axis=1))


def draw_sources(
    rng: np.random.Generator,
    world: World,
    engine: Engine,
    s_va: Complexes,
    *,
    strength_va: float,
    seconds: int,
    pst_limit: Floats,
) -> tuple[Source, ...]:
    """Draw a fluctuating load on the grid and one on a feeder, sized by the flicker they make where they are.

    Args:
        rng: Source of randomness.
        world: The substation.
        engine: Its engine, settled.
        s_va: Loads of one second, VA, shape [l].
        strength_va: Short-circuit power of the grid.
        seconds: Length of the interval.
        pst_limit: Planning level at each point, shape [p].

    Raises:
        NotConvergedError: The network does not carry one of them.
    """
    substation = world.substation
    names = {point.id: row for row, point in enumerate(substation.points)}
    k = int(rng.integers(len(substation.feeders)))
    feeder = substation.feeders[k]
    infeed = next(row for row, point in enumerate(substation.points) if point.kind == "infeed")
    places = (
        ("grid", np.arange(s_va.size - 3, s_va.size), infeed, _OF_GRID * strength_va, _GRID_MEDIAN),
        (
            feeder.id,
            3 * k + np.arange(3),
            names[feeder.point],
            _OF_FEEDER * feeder.base_mw * 1e6,
            _FEEDER_MEDIAN,
        ),
    )
    calm = engine.solve(s_va[None])[:, engine.layout.point_nodes]
    found = []
    for place, loads, watched, most_va, median in places:
        kind = list(KINDS)[int(rng.integers(len(KINDS)))]
        x = KINDS[kind](rng, seconds)
        x -= x.mean()
        swing = np.zeros(s_va.size, dtype=np.complex128)
        phases = 1.0 + _UNEVEN * rng.standard_normal(3)
        swing[loads] = most_va * _SMALL * phases / 3.0 * (_DIRECTION if place != "grid" else 1j)
        moved = engine.solve((s_va + swing)[None])[:, engine.layout.point_nodes]
        depth = np.abs(np.abs(moved) / np.abs(calm) - 1.0)[0]
        unit = pst(1.0 + _SMALL * x) / _SMALL
        wanted = min(median * float(np.exp(_SPREAD * rng.standard_normal())), _MOST) * pst_limit[watched]
        factor = min(wanted / (unit * float(depth[watched].max())), 1.0 / _SMALL)
        found.append(Source(kind, place, x, factor * swing, factor * depth, factor * unit * depth))
    return tuple(found)


def total_pst(parts: tuple[Floats, ...]) -> Floats:
    """Flicker of several sources together: the third powers add."""
    powers = sum((part**_ALPHA for part in parts), np.zeros_like(parts[0]))
    return np.asarray(powers ** (1.0 / _ALPHA))
