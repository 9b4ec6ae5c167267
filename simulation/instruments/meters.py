"""The points' instruments as their nameplates have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.instruments.accuracy import voltage_limits
from simulation.noise import Floats
from substations.description import Substation

# Standard deviation of half-cycle values within a quiet second, by voltage level in kV: arcs and starting
# motors are near 33 kV.
_FLICKER = ((100.0, 8.0e-4), (300.0, 4.5e-4), (np.inf, 2.5e-4))


@dataclass(frozen=True, slots=True)
class Meters:
    """Nameplates of all points in the description's order, each of shape [p].

    Attributes:
        nominal_v: Phase-to-neutral nominal voltage.
        rated_a: Rated current.
        rated_va: Rated apparent power of one phase.
        ct_class: Class of the current transformers.
        ratio_limit: Ratio error that the voltage transformers' class allows, fraction.
        phase_limit: Phase displacement that it allows, radian.
        flicker: Standard deviation of half-cycle values in a quiet second, fraction.
        has_line, has_half_cycle: Whether line voltages and half-cycle extremes are measured.
    """

    nominal_v: Floats
    rated_a: Floats
    rated_va: Floats
    ct_class: Floats
    ratio_limit: Floats
    phase_limit: Floats
    flicker: Floats
    has_line: NDArray[np.bool_]
    has_half_cycle: NDArray[np.bool_]

    @classmethod
    def of(cls, substation: Substation) -> Meters:
        """Read the nameplates.

        Raises:
            SimulationError: An accuracy class is not known.
        """
        points = substation.points
        ratio, phase = voltage_limits(np.array([point.vt_class for point in points]))
        return cls(
            nominal_v=np.array([point.nominal_kv * 1e3 / np.sqrt(3.0) for point in points]),
            rated_a=np.array([point.rated_a for point in points]),
            rated_va=np.array([point.rated_mva * 1e6 / 3.0 for point in points]),
            ct_class=np.array([point.ct_class for point in points]),
            ratio_limit=ratio,
            phase_limit=phase,
            flicker=np.array([next(s for kv, s in _FLICKER if point.nominal_kv < kv) for point in points]),
            has_line=np.array(["v_ll" in point.measures for point in points]),
            has_half_cycle=np.array(["v_min" in point.measures for point in points]),
        )
