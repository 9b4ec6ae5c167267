"""Effective resistances of a station's branches in every quarter of a campaign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine.network import Complexes
from simulation.harmonics.mix import FeederMix
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
class Temperatures:
    """Temperatures over a campaign.

    Attributes:
        branches: Who carries what.
        s_va: Power of each feeder, VA, shape [t, f].
        winding_c: Shape [t, transformers].
        infeed_c: Shape [t, infeeds].
        feeder_c: Shape [t, f].
    """

    branches: Branches
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
            s_va,
            winding_c(load, weather.ambient_c),
            overhead_c(infeeds, *air),
            overhead * overhead_c(feeders, *air) + (1.0 - overhead) * cable_c(feeders, weather.ambient_c),
        )

    def factors(self, world: World, quarter: int, mixes: tuple[FeederMix, ...]) -> Factors:
        """Resistances in one quarter, in which the feeders draw these harmonics.

        A branch carries the sum of its feeders' harmonic currents. Couplers keep the file's resistance.
        """
        s_va, branches = self.s_va[quarter], self.branches
        phasors = np.array([mix.phasors for mix in mixes])
        hot, undistorted = {}, {}
        thd, eddy = distortion(branches.transformers * s_va, phasors)
        for k, transformer in enumerate(world.substation.transformers):
            theta = self.winding_c[quarter, k]
            hot[transformer.element] = float(winding_factor(theta, thd[k], eddy[k]))
            undistorted[transformer.element] = float(winding_factor(theta))
        thd_in, _ = distortion(branches.infeeds * s_va, phasors)
        for k, infeed in enumerate(world.substation.infeeds):
            hot[infeed.line] = float(line_factor(self.infeed_c[quarter, k], thd_in[k]))
            undistorted[infeed.line] = float(line_factor(self.infeed_c[quarter, k]))
        thd_out, _ = distortion(np.diag(s_va), phasors)
        for k, feeder in enumerate(world.substation.feeders):
            if feeder.line is not None:
                hot[feeder.line] = float(line_factor(self.feeder_c[quarter, k], thd_out[k]))
                undistorted[feeder.line] = float(line_factor(self.feeder_c[quarter, k]))
        whole, _ = distortion(s_va[None], phasors)
        return Factors(hot, undistorted, 100.0 * float(whole[0]))


def distortion(s_va: Complexes, phasors: Complexes) -> tuple[Floats, Floats]:
    """THD and Σ h²·i_h² of the sums of feeders' currents, as shares of the sums' fundamentals.

    Angles of harmonics count from the crest of each feeder's own current; differences between the feeders'
    power factors are left out.

    Args:
        s_va: Power of each feeder in each sum, VA, shape [k, f].
        phasors: Harmonics of the feeders as shares of their fundamentals, shape [f, 3, 40].

    Returns:
        Shape [k] each; the phases' mean square counts.
    """
    fundamental = np.maximum(np.abs(s_va.sum(axis=1)), np.finfo(np.float64).tiny)
    summed = np.einsum("kf,fph->kph", np.abs(s_va), phasors) / fundamental[:, None, None]
    squares = (np.abs(summed) ** 2).mean(axis=1)[:, 1:]
    return np.asarray(np.sqrt(squares.sum(axis=1))), np.asarray(squares @ _ORDERS[1:] ** 2)
