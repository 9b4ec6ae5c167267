"""A voltage event within ten minutes: a short circuit elsewhere, a bank or a load that is switched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data_contracts.quality_index import RAPID_CHANGE_PU, SAG_PU, SWELL_PU, sag_severity, swell_severity
from simulation.engine import Engine
from simulation.faults.clearing import draw_beyond, draw_remote
from simulation.faults.hit import Hit, draw_kind, draw_resistance
from simulation.faults.places import draw_remote_site, lateral_sites
from simulation.noise import Floats
from simulation.quality.interval import Events
from simulation.scenario.world import World

# Shares of the intervals with a short circuit on the grid or behind a feeder's end, a bank's step and a
# load's; the rest have none.
_FAULT, _BANK, _LOAD = 0.06, 0.05, 0.07
_ON_GRID = 0.6
# A load switched on or off, of the feeder's base load, and the seconds at the end in which no short circuit
# begins.
_LOAD_STEP, _MARGIN_S = (0.15, 0.6), 2.0


@dataclass(frozen=True, slots=True)
class Happening:
    """What happens.

    Attributes:
        kind: `none`, `fault`, `capacitor_switching` or `load_step`.
        start_s: Seconds from the interval's beginning.
        hit: The short circuit, if it is one.
        bank: Number of the bank, if one is switched.
        step: Steps of the bank, or share of the feeder's base load.
        feeder: Number of the feeder whose load is switched.
    """

    kind: str
    start_s: float
    hit: Hit | None = None
    bank: int = -1
    step: float = 0.0
    feeder: int = -1

    @property
    def end_s(self) -> float:
        """Seconds at which a short circuit is over; its beginning for all else."""
        return self.start_s if self.hit is None else self.hit.end_s

    def on(self, edges: Floats) -> Happening:
        """The same, begun with the state in which it begins where something is switched.

        Args:
            edges: Ends of the seconds that each state stands for; the first state is never switched.
        """
        if self.kind == "none" or self.hit is not None:
            return self
        k = int(np.clip(np.searchsorted(edges, self.start_s, side="right") - 1, 1, edges.size - 2))
        return replace(self, start_s=float(edges[k]))

    def parameters(self, world: World) -> dict[str, Any]:
        """JSON values."""
        found: dict[str, Any] = {"happening": self.kind}
        if self.kind != "none":
            found["start_s"] = self.start_s
        if self.hit is not None:
            found |= {
                "fault_type": self.hit.kind,
                "phases": self.hit.phases,
                "site": self.hit.site.line or self.hit.site.bus,
                "duration_s": self.hit.clearing.duration_s,
            }
        if self.bank >= 0:
            found |= {"bank": world.regulators.banks[self.bank].name, "steps": self.step}
        if self.feeder >= 0:
            found |= {"feeder": world.substation.feeders[self.feeder].id, "of_base": self.step}
        return found


def draw_happening(
    rng: np.random.Generator, world: World, engine: Engine, steps: tuple[int, ...], seconds: int
) -> Happening:
    """Draw what happens in an interval of so many seconds, `steps` of each bank being in."""
    choice, start = rng.random(), float(rng.uniform(0.0, seconds - _MARGIN_S))
    if choice < _FAULT:
        return Happening("fault", start, hit=_draw_hit(rng, world, engine, start))
    banks = world.regulators.banks
    if choice < _FAULT + _BANK and banks:
        k = int(rng.integers(len(banks)))
        up = steps[k] == 0 or (steps[k] < banks[k].steps and rng.random() < 0.5)
        return Happening("capacitor_switching", start, bank=k, step=1.0 if up else -1.0)
    if choice < _FAULT + _BANK + _LOAD:
        k = int(rng.integers(len(world.substation.feeders)))
        share = float(rng.uniform(*_LOAD_STEP)) * float(rng.choice([-1.0, 1.0]))
        return Happening("load_step", start, feeder=k, step=share)
    return Happening("none", 0.0)


def no_events(points: int) -> Events:
    """An interval without events."""
    none = np.zeros(points, dtype=np.int64)
    zero = np.zeros(points)
    return Events(none, none, none, zero, zero, np.full(points, np.inf), np.full(points, -np.inf))


def fault_events(v_pu: Floats, duration_s: float) -> Events:
    """What a short circuit is at every point, from the phases' voltages [p, 3] while it burns."""
    low, high = v_pu.min(axis=1), v_pu.max(axis=1)
    sags, swells = (low < SAG_PU).astype(np.int64), (high > SWELL_PU).astype(np.int64)
    lasting = np.full(low.size, duration_s)
    return Events(
        sags,
        swells,
        np.zeros_like(sags),
        sag_severity(low, lasting) + swell_severity(high, lasting),
        np.where((sags + swells) > 0, duration_s, 0.0),
        low,
        high,
    )


def rapid_changes(changes: Floats, jumps: int = 1) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Number of rapid changes at every point, from relative changes of the phases [p, 3] by one jump."""
    return np.asarray(jumps * (np.abs(changes).max(axis=1) > RAPID_CHANGE_PU), dtype=np.int64)


def _draw_hit(rng: np.random.Generator, world: World, engine: Engine, start_s: float) -> Hit:
    sites = lateral_sites(world.substation)
    kind, phases = draw_kind(rng)
    if rng.random() < _ON_GRID or not sites:
        site, _ = draw_remote_site(rng, engine)
        return Hit(site, kind, phases, draw_resistance(rng), draw_remote(rng, site), start_s)
    site = sites[int(rng.integers(len(sites)))]
    return Hit(site, kind, phases, draw_resistance(rng), draw_beyond(rng, site), start_s)
