"""The points' instruments as their nameplates have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.instruments.accuracy import voltage_limits
from simulation.noise import Floats
from substations.description import Substation

# Standard deviation of half-cycle values within a quiet second, by voltage level in kV: arcs and starting
# motors are near 33 kV.
_FLICKER = ((100.0, 8.0e-4), (300.0, 4.5e-4), (np.inf, 2.5e-4))
# Steps of the digital outputs: voltage and current in pu of nominal, power of rated.
_V_STEP, _I_STEP, _S_STEP = 2.0e-5, 5.0e-5, 2.0e-5

CHANNELS = (
    *(f"v_{phase}" for phase in "abc"),
    *(f"v_ll_{pair}" for pair in ("ab", "bc", "ca")),
    *(f"i_{phase}" for phase in "abc"),
    *(f"p_{phase}" for phase in "abc"),
    *(f"q_{phase}" for phase in "abc"),
    *(f"v_min_{phase}" for phase in "abc"),
    *(f"v_max_{phase}" for phase in "abc"),
)
"""The channels with three phases or pairs of phases, in the order in which readings are held."""


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
        steps: Digital step of each channel in the order of `CHANNELS`, shape [p, 1, 21].
        blank: 1 where a channel is measured and NaN where it is not, shape [p, 1, 21].
        states_thd: Likewise of the total harmonic distortion.
        states_pst: Likewise of the short-term flicker severity.
    """

    nominal_v: Floats
    rated_a: Floats
    rated_va: Floats
    ct_class: Floats
    ratio_limit: Floats
    phase_limit: Floats
    flicker: Floats
    steps: Floats
    blank: Floats
    states_thd: Floats
    states_pst: Floats

    @classmethod
    def of(cls, substation: Substation) -> Meters:
        """Read the nameplates.

        Raises:
            SimulationError: An accuracy class is not known.
        """
        points = substation.points
        ratio, phase = voltage_limits(np.array([point.vt_class for point in points]))
        nominal_v = np.array([point.nominal_kv * 1e3 / np.sqrt(3.0) for point in points])
        rated_a = np.array([point.rated_a for point in points])
        rated_va = np.array([point.rated_mva * 1e6 / 3.0 for point in points])
        v_step, i_step, s_step = _V_STEP * nominal_v, _I_STEP * rated_a, _S_STEP * rated_va
        by_kind = {"v": v_step, "i": i_step, "p": s_step, "q": s_step}
        steps = np.stack([by_kind[name[0]] for name in CHANNELS], axis=1)
        blank = np.array(
            [[1.0 if _is_measured(name, point.measures) else np.nan for name in CHANNELS] for point in points]
        )
        return cls(
            nominal_v=nominal_v,
            rated_a=rated_a,
            rated_va=rated_va,
            ct_class=np.array([point.ct_class for point in points]),
            ratio_limit=ratio,
            phase_limit=phase,
            flicker=own_flicker(substation),
            steps=_by_channel(steps),
            blank=_by_channel(blank),
            states_thd=np.array([1.0 if "thd" in point.measures else np.nan for point in points]),
            states_pst=np.array([1.0 if "pst" in point.measures else np.nan for point in points]),
        )


def _by_channel(nameplate: Floats) -> Floats:
    """Shape [p, 1, c] from [p, c], each channel together in memory as the readings are."""
    return np.ascontiguousarray(nameplate.T)[:, :, None].transpose(1, 2, 0)


def own_flicker(substation: Substation) -> Floats:
    """Standard deviation of half-cycle values in a quiet second at each point, fraction, shape [p]."""
    return np.array([next(s for kv, s in _FLICKER if each.nominal_kv < kv) for each in substation.points])


def _is_measured(channel: str, measures: tuple[str, ...]) -> bool:
    group = channel[:-3] if channel.startswith("v_ll") else channel[:-2]
    return group in ("v", "i", "p", "q") or group in measures
