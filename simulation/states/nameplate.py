"""What a station's nameplates say that it loses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import Engine
from simulation.engine.losses import REACTOR_LOSS
from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.states.branches import Branches
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class Nameplate:
    """Losses by nameplates: I²R at the reference temperature and nominal voltage, and what is always lost.

    Attributes:
        always_w: No-load loss of the transformers and loss of the reactors.
        load_loss_w: Load loss of each transformer at its rating, shape [transformers].
        rated_va: Its first winding's rating, VA, same shape.
        infeed_ohm: Positive-sequence resistance of each infeed, shape [infeeds].
        feeder_ohm: That of each feeder, 0 where it has no line, shape [f].
    """

    always_w: float
    load_loss_w: Floats
    rated_va: Floats
    infeed_ohm: Floats
    feeder_ohm: Floats

    @classmethod
    def of(cls, substation: Substation, engine: Engine) -> Nameplate:
        """Read the nameplates, and the circuit file's resistances from its engine."""
        lossy, transformers = engine.lossy(), substation.transformers
        reactors = sum(1e6 * REACTOR_LOSS * reactor.mvar for reactor in substation.reactors)
        return cls(
            1e3 * sum(each.no_load_loss_kw for each in transformers) + reactors,
            np.array([1e3 * each.load_loss_kw for each in transformers]),
            np.array([1e6 * each.windings[0].rated_mva for each in transformers]),
            np.array([lossy.line_ohm(infeed.line) for infeed in substation.infeeds]),
            np.array(
                [0.0 if feeder.line is None else lossy.line_ohm(feeder.line) for feeder in substation.feeders]
            ),
        )

    def loss_w(self, branches: Branches, s_va: Complexes) -> float:
        """Loss of the feeders' power, VA, shape [f]."""
        load = branches.transformer_va(s_va) / self.rated_va
        lines = self.infeed_ohm @ branches.infeed_current_a(s_va) ** 2
        lines += self.feeder_ohm @ branches.feeder_current_a(s_va) ** 2
        return float(self.always_w + self.load_loss_w @ load**2 + 3.0 * lines)
