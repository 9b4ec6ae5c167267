"""Which share of each feeder's power every transformer and line carries, by the single-line diagram alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class Branches:
    """Shares of the feeders' power; parallel branches share by rating.

    Attributes:
        transformers: Shape [transformers, feeders].
        infeeds: Shape [infeeds, feeders].
        rated_va: Ratings of each transformer's cooling stages, rising; the last is repeated where another has
            more, shape [transformers, stages].
        infeed_a: Rated current of each infeed's bay, A, shape [infeeds].
        feeder_a: Rated current of each feeder's bay, A, shape [feeders].
        infeed_kv: Nominal voltage of each infeed, shape [infeeds].
        feeder_kv: Nominal voltage of each feeder, shape [feeders].
    """

    transformers: Floats
    infeeds: Floats
    rated_va: Floats
    infeed_a: Floats
    feeder_a: Floats
    infeed_kv: Floats
    feeder_kv: Floats

    @classmethod
    def of(cls, substation: Substation) -> Branches:
        """Follow every feeder's power up to the infeeds, with couplers as in normal operation."""
        section = _sections(substation)
        below = {name: np.zeros(len(substation.feeders)) for name in set(section.values())}
        for k, feeder in enumerate(substation.feeders):
            below[section[feeder.bus]][k] = 1.0
        ends = [tuple(section[winding.bus] for winding in t.windings[:2]) for t in substation.transformers]
        rated = np.array([t.rated_mva for t in substation.transformers])
        share = np.zeros((len(ends), len(substation.feeders)))
        # From the lowest voltage upwards: what a section carries is known before it is passed on.
        levels = [t.windings[1].nominal_kv for t in substation.transformers]
        passed: set[tuple[str, ...]] = set()
        for k in np.argsort(levels, kind="stable"):
            if ends[k] in passed:
                continue
            passed.add(ends[k])
            beside = [j for j, other in enumerate(ends) if other == ends[k]]
            for j in beside:
                share[j] = below[ends[k][1]] * rated[j] / rated[beside].sum()
            below[ends[k][0]] = below[ends[k][0]] + below[ends[k][1]]
        stages = max(len(t.cooling) for t in substation.transformers) if substation.transformers else 1
        ladder = [sorted(stage.rated_mva for stage in t.cooling) for t in substation.transformers]
        fed = [section[infeed.bus] for infeed in substation.infeeds]
        return cls(
            share,
            np.array([below[name] / fed.count(name) for name in fed]),
            np.array([(*row, *[row[-1]] * (stages - len(row))) for row in ladder]).reshape(-1, stages) * 1e6,
            np.array([substation.point(infeed.point).rated_a for infeed in substation.infeeds]),
            np.array([substation.point(feeder.point).rated_a for feeder in substation.feeders]),
            np.array([substation.bus(infeed.bus).nominal_kv for infeed in substation.infeeds]),
            np.array([substation.bus(feeder.bus).nominal_kv for feeder in substation.feeders]),
        )

    def transformer_va(self, s_va: Complexes) -> Floats:
        """Apparent power of the transformers from feeders' powers [..., f], VA, shape [..., transformers]."""
        return np.asarray(np.abs(s_va @ self.transformers.T))

    def infeed_current_a(self, s_va: Complexes) -> Floats:
        """Current of the infeeds at nominal voltage, A, shape [..., infeeds]."""
        return np.asarray(np.abs(s_va @ self.infeeds.T) / (np.sqrt(3.0) * self.infeed_kv * 1e3))

    def feeder_current_a(self, s_va: Complexes) -> Floats:
        """Current of the feeders at nominal voltage, A, shape [..., feeders]."""
        return np.asarray(np.abs(s_va) / (np.sqrt(3.0) * self.feeder_kv * 1e3))


def _sections(substation: Substation) -> dict[str, str]:
    """The section of each bus: buses that closed couplers join share one."""
    joined = {bus.id: bus.id for bus in substation.buses}
    for coupler in substation.couplers:
        if coupler.closed:
            one, other = (joined[bus] for bus in coupler.buses)
            joined = {bus: one if root == other else root for bus, root in joined.items()}
    return joined
