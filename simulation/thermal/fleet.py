"""A substation's transformers as arrays: what each is in each of its cooling stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from simulation.thermal.c57 import OIL_EXPONENTS
from simulation.thermal.cooling import LEAST_RUN_MIN, THRESHOLDS
from simulation.thermal.iec60076 import (
    DISTRIBUTION_ONAN,
    OFAF,
    ONAF,
    POWER_ONAN,
    Characteristics,
    Rated,
    numbers,
)
from substations.description import Substation, Transformer
from switchyard.identity import generator

DISTRIBUTION_MVA = 2.5
"""IEC 60076-7: a three-phase transformer up to here is a distribution transformer."""

_STAGES = {"ONAN": POWER_ONAN, "ONAF": ONAF, "OFAF": OFAF}

# What a transformer has in multiples of the values that the standard recommends: makers stay below the oil
# rise that they guarantee; the hot-spot factor is 1.0 to 2.1 where 1.3 is recommended (IEC 60076-7, from
# common knowledge), and time constants depend on the mass of oil. Assumed.
_RISE = (0.90, 1.0)
_GRADIENT = (0.85, 1.30)
_TAU = (0.8, 1.25)
_THERMOSTAT_K = 1.5


@dataclass(frozen=True, slots=True)
class Fleet:
    """Transformers side by side; u of them with up to s stages. Stages that one lacks repeat its last.

    Attributes:
        names: Their names.
        stages: Cooling stages of each, from weakest to strongest.
        rated_mva: Rated power in the strongest stage, shape [u].
        rating_pu: Rated power of each stage over that, shape [u, s].
        values: Values of `Rated`, shape [10, u, s].
        exponent: IEEE's oil exponent n, shape [u, s].
        last: Number of the strongest stage, shape [u].
        on_c: Winding and oil temperature at which the next stage starts, shape [2, u, s].
        off_c: Temperatures below which the stage stops again, shape [2, u, s].
    """

    names: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]
    rated_mva: Floats
    rating_pu: Floats
    values: Floats
    exponent: Floats
    last: NDArray[np.int64]
    on_c: Floats
    off_c: Floats

    @classmethod
    def of(cls, substation: Substation, *, nameplate: bool = False) -> Self:
        """The transformers of a description; what each one's heat run found depends on its name alone.

        Args:
            substation: Its description.
            nameplate: As the standard recommends to take them where no heat run is at hand.
        """
        units = substation.transformers
        most = max((len(unit.cooling) for unit in units), default=1)
        rng = [generator(substation.name, unit.id, "heat run") for unit in units]
        found = [
            (
                np.array([draw.uniform(*_RISE), draw.uniform(*_GRADIENT)]),
                draw.uniform(*_TAU, 2),
                draw.normal(0.0, _THERMOSTAT_K),
            )
            for draw in rng
        ]
        if nameplate:
            found = [(np.ones(2), np.ones(2), 0.0) for _ in units]
        stages = [[unit.cooling[min(k, len(unit.cooling) - 1)] for k in range(most)] for unit in units]
        kinds = [
            [_found(_kind(unit, stage.stage), rise, tau) for stage in own]
            for unit, own, (rise, tau, _) in zip(units, stages, found, strict=True)
        ]
        values = [
            [numbers(loss_ratio(unit, stage.rated_mva), kind) for stage, kind in zip(own, kin, strict=True)]
            for unit, own, kin in zip(units, stages, kinds, strict=True)
        ]
        limits = np.array([[THRESHOLDS[stage.stage] for stage in own] for own in stages]).reshape(-1, most, 4)
        limits = limits + np.array([trim for *_, trim in found]).reshape(-1, 1, 1)
        rated = np.array([unit.rated_mva for unit in units])
        return cls(
            names=tuple(unit.id for unit in units),
            stages=tuple(tuple(stage.stage for stage in unit.cooling) for unit in units),
            rated_mva=rated,
            rating_pu=np.array([[s.rated_mva for s in own] for own in stages]) / rated[:, None],
            values=np.moveaxis(np.array(values), -1, 0),
            exponent=np.array([[OIL_EXPONENTS[s.stage] for s in own] for own in stages]),
            last=np.array([len(unit.cooling) - 1 for unit in units], dtype=np.int64),
            # The next stage's own temperatures start it; those of the last are never asked for.
            on_c=np.moveaxis(np.roll(limits[..., :2], -1, axis=1), -1, 0),
            off_c=np.moveaxis(limits[..., 2:], -1, 0),
        )

    def repeated(self, times: int) -> Self:
        """The same transformers `times` over: [u, u, …]."""
        return self.taken(np.tile(np.arange(len(self.names)), times))

    @classmethod
    def beside(cls, fleets: Sequence[Self]) -> Self:
        """Fleets with equally many stages side by side: [u, u, …]."""
        first = fleets[0]
        return replace(
            first.repeated(len(fleets)), values=np.concatenate([one.values for one in fleets], axis=1)
        )

    def taken(self, which: NDArray[np.int64]) -> Self:
        """The transformers at these positions, in that order."""
        return replace(
            self,
            names=tuple(self.names[k] for k in which),
            stages=tuple(self.stages[k] for k in which),
            rated_mva=self.rated_mva[which],
            rating_pu=self.rating_pu[which],
            values=self.values[:, which],
            exponent=self.exponent[which],
            last=self.last[which],
            on_c=self.on_c[:, which],
            off_c=self.off_c[:, which],
        )

    def weakened(self, lost: Floats) -> Self:
        """The same with forced cooling that is not whole: fans that stand still, fouled coolers.

        The rated oil rise of every stage but the first grows by the share `lost`, shape [u]; nobody is told.
        """
        values = self.values.copy()
        values[1, :, 1:] *= 1.0 + lost[:, None]
        return replace(self, values=values)

    def at(self, stage: NDArray[np.int64]) -> tuple[Rated, Floats]:
        """Characteristics with every transformer in the stage given, and its rating in pu, shape [u]."""
        every = np.arange(stage.size)
        return Rated(*self.values[:, every, stage]), self.rating_pu[every, stage]

    def switched(
        self, stage: NDArray[np.int64], ran_min: Floats, hot_spot_c: Floats, oil_c: Floats
    ) -> NDArray[np.int64]:
        """The stages of the next minute: one up where a temperature starts it, one down where both are low.

        Args:
            stage: Present stages, shape [u].
            ran_min: Minutes since each was reached, shape [u].
            hot_spot_c: Winding temperatures, °C, shape [u].
            oil_c: Top-oil temperatures, °C, shape [u].
        """
        every = np.arange(stage.size)
        on, off = self.on_c[:, every, stage], self.off_c[:, every, stage]
        up = ((hot_spot_c >= on[0]) | (oil_c >= on[1])) & (stage < self.last)
        down = (hot_spot_c < off[0]) & (oil_c < off[1]) & ~up & (ran_min >= LEAST_RUN_MIN)
        return np.asarray(stage + up - down.astype(np.int64), dtype=np.int64)


def loss_ratio(unit: Transformer, stage_mva: float) -> float:
    """R of a stage: load losses at the stage's rated power over no-load losses."""
    load_kw = unit.load_loss_kw * (stage_mva / unit.windings[0].rated_mva) ** 2
    return load_kw / max(unit.no_load_loss_kw, 1e-3 * load_kw)


def _kind(unit: Transformer, stage: str) -> Characteristics:
    small = unit.rated_mva <= DISTRIBUTION_MVA and stage == "ONAN"
    return DISTRIBUTION_ONAN if small else _STAGES[stage]


def _found(kind: Characteristics, rise: Floats, tau: Floats) -> Characteristics:
    return replace(
        kind,
        oil_rise_k=kind.oil_rise_k * float(rise[0]),
        gradient_k=kind.gradient_k * float(rise[1]),
        tau_oil_min=kind.tau_oil_min * float(tau[0]),
        tau_winding_min=kind.tau_winding_min * float(tau[1]),
    )
