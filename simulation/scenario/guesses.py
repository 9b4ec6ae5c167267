"""Settled states over the range of loads and voltages: where episodes begin their own settling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.demand import FeederLoads
from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.scenario.regulation import Guess, Regulators, errors_pu, neutral, settle
from substations.description import Substation

_QUANTILES = np.linspace(0.0, 1.0, 13)
# Voltages of the grid at which to settle, as quantiles of its hours.
_VOLTAGES = np.linspace(0.0, 1.0, 7)


@dataclass(frozen=True, slots=True)
class Guesses:
    """Settled states by load and voltage.

    Attributes:
        load_w: Active load, shape [g].
        v_pu: Voltage of the grid, shape [g].
        found: The states.
        fallback: What to begin from where there is none.
    """

    load_w: Floats
    v_pu: Floats
    found: tuple[Guess, ...]
    fallback: Guess

    @classmethod
    def of(
        cls,
        engine: Engine,
        substation: Substation,
        regulators: Regulators,
        loads: FeederLoads,
        hours: tuple[BoundaryHour, ...],
    ) -> Guesses:
        """Settle the station over the range of its loads; what has no solution is left out."""
        engine.compile()
        totals = loads.p_w.sum(axis=1)
        rest = np.zeros(len(substation.traction) + 3, dtype=np.complex128)
        by_voltage = sorted(hours, key=lambda hour: hour.v_pu)
        load_w, v_pu, found = [], [], []
        guess, calm = neutral(regulators), np.zeros(len(regulators.groups))
        for quantile in _QUANTILES:
            k = int(np.argmin(np.abs(totals - np.quantile(totals, quantile))))
            s_va = np.concatenate([np.repeat((loads.p_w[k] + 1j * loads.q_var[k]) / 3.0, 3), rest])
            for place in _VOLTAGES:
                hour = by_voltage[round(place * (len(by_voltage) - 1))]
                try:
                    settled = settle(engine, regulators, hour, s_va, offsets_pu=calm, guess=guess)
                    v = engine.solve(s_va[None])
                except (InfeasibleError, NotConvergedError):
                    continue
                errors = tuple(float(errors_pu(engine, group, v)[0]) for group in regulators.groups)
                guess = Guess(settled.positions, settled.extra_va, hour.v_pu, errors)
                load_w.append(float(totals[k]))
                v_pu.append(hour.v_pu)
                found.append(guess)
        return cls(np.array(load_w), np.array(v_pu), tuple(found), neutral(regulators))

    def near(self, s_va: Complexes, hour: BoundaryHour) -> Guess:
        """The settled state with the nearest load and voltage; 1 % of voltage weighs like 10 % of load."""
        if not self.found:
            return self.fallback
        load = np.abs(self.load_w / max(float(s_va.real.sum()), 1.0) - 1.0)
        return self.found[int(np.argmin(load + 10.0 * np.abs(self.v_pu - hour.v_pu)))]
