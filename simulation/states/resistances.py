"""Effective resistances of a station's branches in every quarter of a campaign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.scenario.world import World
from simulation.states.branches import Branches
from simulation.states.temperature import (
    cable_c,
    line_factor,
    loading,
    overhead_c,
    winding_c,
    winding_factor,
)

_ORDERS = np.arange(1.0, 41.0)


@dataclass(frozen=True, slots=True)
class Factors:
    """Resistances of one state over the circuit file's, by element.

    Attributes:
        hot: With temperature and harmonics.
        undistorted: With temperature alone.
        thd_pct: Distortion of the whole station's current, %.
    """

    hot: dict[str, float]
    undistorted: dict[str, float]
    thd_pct: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the feeders' harmonic currents add up: squares of their sums as forms of the feeders' currents.

    Attributes:
        square: |Σ_f a_f·i_f,h|² summed over the orders above 1 is a·square·a, shape [f, f].
        eddy: The same with h² before each order's square, shape [f, f].
    """

    square: Floats
    eddy: Floats

    @classmethod
    def of(cls, phasors: Complexes) -> Agreement:
        """From harmonics of the feeders as shares of their fundamentals, shape [f, 3, 40].

        The phases' mean square counts.
        """
        above = phasors[:, :, 1:]
        products = np.einsum("fph,gph->hfg", above, above.conj()).real / phasors.shape[1]
        return cls(products.sum(axis=0), np.einsum("hfg,h->fg", products, _ORDERS[1:] ** 2))


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Temperatures over a campaign.

    Attributes:
        branches: Who carries what.
        carried: Shares of the feeders' power in each transformer, each infeed and the whole station, shape
            [transformers + infeeds + 1, f].
        names: Elements of the transformers, the infeeds and the feeders; empty for a feeder without line.
        s_va: Power of each feeder, VA, shape [t, f].
        winding_c: Shape [t, transformers].
        infeed_c: Shape [t, infeeds].
        feeder_c: Shape [t, f].
    """

    branches: Branches
    carried: Floats
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    s_va: Complexes
    winding_c: Floats
    infeed_c: Floats
    feeder_c: Floats

    @classmethod
    def of(cls, world: World) -> Temperatures:
        """Temperatures in every quarter of the world's load."""
        branches, weather = Branches.of(world.substation), world.loads.weather
        s_va = world.loads.p_w + 1j * world.loads.q_var
        load = loading(branches.transformer_va(s_va), branches.rated_va)
        air = (weather.ambient_c, weather.ghi_w_m2, weather.wind_m_s)
        infeeds = branches.infeed_current_a(s_va) / branches.infeed_a
        feeders = branches.feeder_current_a(s_va) / branches.feeder_a
        overhead = np.array([feeder.overhead_share for feeder in world.substation.feeders])
        return cls(
            branches,
            np.concatenate([branches.transformers, branches.infeeds, np.ones((1, s_va.shape[1]))]),
            (
                tuple(transformer.element for transformer in world.substation.transformers),
                tuple(infeed.line for infeed in world.substation.infeeds),
                tuple(feeder.line or "" for feeder in world.substation.feeders),
            ),
            s_va,
            winding_c(load, weather.ambient_c),
            overhead_c(infeeds, *air),
            overhead * overhead_c(feeders, *air) + (1.0 - overhead) * cable_c(feeders, weather.ambient_c),
        )

    def factors(self, quarter: int, agreement: Agreement) -> Factors:
        """Resistances in one quarter, in which the feeders draw these harmonics.

        A branch carries the sum of its feeders' harmonic currents. Couplers keep the file's resistance.
        """
        thd, eddy = distortion(self.carried * self.s_va[quarter], agreement)
        split = len(self.names[0])
        own = np.sqrt(np.diagonal(agreement.square))
        windings, wires = self.winding_c[quarter], (self.infeed_c[quarter], self.feeder_c[quarter])
        hot = (
            winding_factor(windings, thd[:split], eddy[:split]),
            line_factor(wires[0], thd[split:-1]),
            line_factor(wires[1], own),
        )
        undistorted = (winding_factor(windings), line_factor(wires[0]), line_factor(wires[1]))
        return Factors(self._by_name(hot), self._by_name(undistorted), 100.0 * float(thd[-1]))

    def _by_name(self, factors: tuple[Floats, Floats, Floats]) -> dict[str, float]:
        return {
            name: factor
            for names, found in zip(self.names, factors, strict=True)
            for name, factor in zip(names, found.tolist(), strict=True)
            if name
        }


def distortion(s_va: Complexes, agreement: Agreement) -> tuple[Floats, Floats]:
    """THD and Σ h²·i_h² of the sums of feeders' currents, as shares of the sums' fundamentals.

    Angles of harmonics count from the crest of each feeder's own current; differences between the feeders'
    power factors are left out.

    Args:
        s_va: Power of each feeder in each sum, VA, shape [k, f].
        agreement: How the feeders' harmonics add up.

    Returns:
        Shape [k] each; the phases' mean square counts.
    """
    fundamental = np.maximum(np.abs(s_va.sum(axis=1)), np.finfo(np.float64).tiny)
    share = np.abs(s_va) / fundamental[:, None]
    squares, eddy = (
        np.maximum(((share @ form) * share).sum(axis=1), 0.0) for form in (agreement.square, agreement.eddy)
    )
    return np.sqrt(squares), eddy
