"""What answers a disturbance: inertia, load damping, governor groups, secondary control, shedding relays.

Powers are per unit of the system's load, frequencies per unit of nominal unless the name says Hz. Every field
is an array over the episodes that are integrated together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulation.noise import Floats


@dataclass(frozen=True, slots=True)
class Systems:
    """Systems that are integrated together: e episodes, g governor groups, r stages of shedding.

    A governor group answers Δω by −K·Δω outside its dead band, within its reserve, through two lead-lag
    stages (1 + αT·s)/(1 + T·s). A reheat turbine of Anderson and Mirheydar is K = Km/R, T₁ = 0, α₂ = Fh,
    T₂ = Tr; a hydro turbine has its transient droop as the first stage and the water column, α₂ = −2 and
    T₂ = Tw/2, as the second.

    Attributes:
        nominal_hz: Nominal frequency f₀, shape [e].
        inertia_s: Inertia constant H, s, shape [e].
        damping: Load damping D, pu power per pu frequency, shape [e].
        gain: K of each group, pu power per pu frequency, shape [g, e].
        dead_band: Half width of its dead band, pu, shape [g, e].
        up, down: Reserve above and below its set-point, pu power, shape [g, e].
        lag_s, lead: T and α of both stages, shape [2, g, e].
        agc_rate: Integral gain of secondary control, pu power per pu frequency and second, shape [e].
        agc_share: Its proportional gain, pu power per pu frequency, shape [e].
        agc_limit: Its reserve in both directions, pu power, shape [e].
        agc_lag_s: Time constant with which plants follow it, s, shape [e].
        shed_at: Δω at which each stage of shedding picks up, pu, shape [r, e].
        shed_share: Load that it sheds, pu, shape [r, e].
        shed_delay_s: Time below the threshold until the breakers are open, s, shape [e].
    """

    nominal_hz: Floats
    inertia_s: Floats
    damping: Floats
    gain: Floats
    dead_band: Floats
    up: Floats
    down: Floats
    lag_s: Floats
    lead: Floats
    agc_rate: Floats
    agc_share: Floats
    agc_limit: Floats
    agc_lag_s: Floats
    shed_at: Floats
    shed_share: Floats
    shed_delay_s: Floats

    @property
    def episodes(self) -> int:
        """Number of systems."""
        return int(self.inertia_s.size)

    @classmethod
    def side_by_side(cls, systems: list[Systems]) -> Systems:
        """Systems with equally many groups and stages, joined along the episodes."""
        return cls(
            **{
                field.name: np.concatenate([getattr(each, field.name) for each in systems], axis=-1)
                for field in fields(cls)
            }
        )

    @classmethod
    def reheat(
        cls,
        *,
        inertia_s: float = 4.0,
        damping: float = 1.0,
        droop: float = 0.05,
        mechanical_gain: float = 0.95,
        high_pressure: float = 0.3,
        reheat_s: float = 8.0,
        nominal_hz: float = 50.0,
        dead_band_hz: float = 0.0,
        reserve: float = 1.0,
    ) -> Systems:
        """One system of one reheat group without secondary control and shedding.

        The defaults are those of Anderson and Mirheydar, "A low-order system frequency response model", IEEE
        Transactions on Power Systems 5(3), 1990, as Dynawo's examples have them: R 0.05, H 4 s, Km 0.95,
        Fh 0.3, Tr 8 s, D 1.
        """
        return cls(
            nominal_hz=np.array([nominal_hz]),
            inertia_s=np.array([inertia_s]),
            damping=np.array([damping]),
            gain=np.array([[mechanical_gain / droop]]),
            dead_band=np.array([[dead_band_hz / nominal_hz]]),
            up=np.array([[reserve]]),
            down=np.array([[reserve]]),
            lag_s=np.array([[[0.0]], [[reheat_s]]]),
            lead=np.array([[[0.0]], [[high_pressure]]]),
            agc_rate=np.zeros(1),
            agc_share=np.zeros(1),
            agc_limit=np.ones(1),
            agc_lag_s=np.full(1, 30.0),
            shed_at=np.full((1, 1), -np.inf),
            shed_share=np.zeros((1, 1)),
            shed_delay_s=np.full(1, 0.2),
        )
