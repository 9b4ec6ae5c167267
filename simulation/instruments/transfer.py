"""Instrument transformers beyond the fundamental: how much of each harmonic arrives at the meter.

Transfer functions are those of equivalent circuits, divided by their own value at the nominal frequency:
what is left at that frequency are the ratio and phase errors of the accuracy class, which
`instruments.accuracy` has.

A capacitor voltage transformer divides the voltage by two capacitors and lets the intermediate voltage,
through a compensating reactor, to an inductive transformer. The reactor is tuned to the divider at the
nominal frequency; above it the divider, the reactor and the stray capacitance of the transformer's winding
resonate, and what the meter sees of a harmonic grows up to several hundred hertz and falls behind that.
Circuit: D. Fernandes Jr., W. L. A. Neves, J. C. A. Vasconcelos, "A coupling capacitor voltage transformer
representation for electromagnetic transient studies", IPST 2003 (laboratory fit from 10 Hz to 10 kHz of a
230 kV device); M. R. Iravani et al., "Digital time-domain investigation of transient behavior of coupling
capacitor voltage transformer", IEEE Transactions on Power Delivery 13 (1998) 622; its use for harmonics:
IEC TR 61869-103. Element values here are of that order, chosen so that the type's first resonance lies at
0.7 to 1 kHz; they are no maker's.

A type has one curve; devices of it scatter about it by their capacitances, their reactor's taps, their
burden; `instruments.devices` has those of a substation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from simulation.engine.network import Complexes
from simulation.errors import SimulationError
from simulation.noise import Floats

# Scatter of devices about their type: deviations of the logarithm of each element, cut off at CUT times that.
_DIVIDER, _TUNING, _STRAY, _RESISTANCE, _BURDEN = 0.01, 0.01, 0.12, 0.10, 0.25
# Movement from episode to episode: burden, and capacitances by temperature (some 2e-4 per kelvin).
_BURDEN_MOVES, _CAPACITANCE_MOVES = 0.03, 0.002
CUT = 2.0

Element = float | Floats
"""Value of one element: of one device, or of many, in which case its last axis has length one."""


@dataclass(frozen=True, slots=True)
class CapacitorTransformer:
    """Elements of capacitor voltage transformers, referred to the intermediate voltage.

    Attributes:
        divider_f: C1 + C2, what the divider looks like from its tap.
        reactor_h: Compensating reactor.
        reactor_ohm: Its resistance.
        reactor_stray_f: Stray capacitance across it.
        winding_stray_f: Stray capacitance of the transformer's primary winding to earth.
        leakage_h: Leakage inductance of the transformer.
        leakage_ohm: Resistance of its windings.
        magnetising_h: Its magnetising inductance.
        core_ohm: Its core losses.
        burden_ohm: Burden; resistive, as meters are.
    """

    scatter: ClassVar[tuple[float, ...]] = (
        *(_DIVIDER, _TUNING, _STRAY, _STRAY, _STRAY),
        *(_RESISTANCE, _RESISTANCE, _RESISTANCE, _BURDEN),
    )
    movement: ClassVar[tuple[float, ...]] = (_BURDEN_MOVES, _CAPACITANCE_MOVES)

    divider_f: Element
    reactor_h: Element
    reactor_ohm: Element
    reactor_stray_f: Element
    winding_stray_f: Element
    leakage_h: Element
    leakage_ohm: Element
    magnetising_h: Element
    core_ohm: Element
    burden_ohm: Element

    def ratio(self, f_hz: Floats) -> Complexes:
        """Voltage across the burden over that of the divider without load, shape [..., f]."""
        s = 2j * np.pi * f_hz
        reactor = 1.0 / (1.0 / (self.reactor_ohm + s * self.reactor_h) + s * self.reactor_stray_f)
        series = 1.0 / (s * self.divider_f) + reactor
        leakage = self.leakage_ohm + s * self.leakage_h
        shunt = s * self.winding_stray_f + 1.0 / (s * self.magnetising_h) + 1.0 / self.core_ohm
        onward = 1.0 / (leakage + self.burden_ohm)
        at_winding = 1.0 / (1.0 + series * (shunt + onward))
        return np.asarray(at_winding * onward * self.burden_ohm)

    def scattered(self, drawn: Floats) -> CapacitorTransformer:
        """Devices of this type.

        Args:
            drawn: Factors on the elements in the order of `scatter`, shape [9, ..., 1].
        """
        return replace(
            self,
            divider_f=self.divider_f * drawn[0],
            # The reactor is tapped to its own divider.
            reactor_h=self.reactor_h * drawn[1] / drawn[0],
            reactor_stray_f=self.reactor_stray_f * drawn[2],
            winding_stray_f=self.winding_stray_f * drawn[3],
            leakage_h=self.leakage_h * drawn[4],
            reactor_ohm=self.reactor_ohm * drawn[5],
            leakage_ohm=self.leakage_ohm * drawn[6],
            core_ohm=self.core_ohm * drawn[7],
            burden_ohm=self.burden_ohm * drawn[8],
        )

    def moved(self, drawn: Floats) -> CapacitorTransformer:
        """The same devices on another day; factors on burden and capacitances, shape [2, ..., 1]."""
        return replace(
            self,
            burden_ohm=self.burden_ohm * drawn[0],
            divider_f=self.divider_f * drawn[1],
            winding_stray_f=self.winding_stray_f * drawn[1],
        )


@dataclass(frozen=True, slots=True)
class SecondOrder:
    """Devices with one resonance of leakage inductance and winding capacitance.

    1/(1 − (f/f₀)² + 2jζ·f/f₀): inductive voltage transformers of medium voltage have their first resonance at
    a few kilohertz (IEC TR 61869-103), current transformers far above.

    Attributes:
        resonance_hz: f₀.
        damping: ζ.
    """

    scatter: ClassVar[tuple[float, ...]] = (_STRAY, _BURDEN)
    movement: ClassVar[tuple[float, ...]] = (_BURDEN_MOVES, _CAPACITANCE_MOVES)

    resonance_hz: Element
    damping: Element

    def ratio(self, f_hz: Floats) -> Complexes:
        """Secondary over primary, shape [..., f]."""
        place = f_hz / self.resonance_hz
        return np.asarray(1.0 / (1.0 - place**2 + 2j * self.damping * place))

    def scattered(self, drawn: Floats) -> SecondOrder:
        """Devices of this type; factors on resonance and damping, shape [2, ..., 1]."""
        return SecondOrder(self.resonance_hz * drawn[0], self.damping * drawn[1])

    def moved(self, drawn: Floats) -> SecondOrder:
        """The same devices on another day; factors on damping and resonance, shape [2, ..., 1]."""
        return SecondOrder(self.resonance_hz * drawn[1], self.damping * drawn[0])


Device = CapacitorTransformer | SecondOrder


def _capacitor_type(
    divider_f: float, winding_stray_f: float, burden_ohm: float, nominal_hz: float
) -> CapacitorTransformer:
    """A type whose reactor and leakage together are tuned to its divider at the nominal frequency."""
    total_h = 1.0 / ((2.0 * np.pi * nominal_hz) ** 2 * divider_f)
    leakage_h = 0.05 * total_h
    return CapacitorTransformer(
        divider_f=divider_f,
        reactor_h=total_h - leakage_h,
        reactor_ohm=900.0,
        reactor_stray_f=25.0e-12,
        winding_stray_f=winding_stray_f,
        leakage_h=leakage_h,
        leakage_ohm=900.0,
        magnetising_h=1.0e4,
        core_ohm=6.0e6,
        burden_ohm=burden_ohm,
    )


# Divider, stray capacitance and burden by the largest nominal voltage in kV that a type is built for.
_CAPACITOR_TYPES = (
    (245.0, 90.0e-9, 265.0e-12, 1.35e6),
    (420.0, 70.0e-9, 290.0e-12, 1.40e6),
    (np.inf, 60.0e-9, 320.0e-12, 1.40e6),
)
# Resonance and damping by the same: inductive voltage transformers.
_INDUCTIVE_TYPES = ((36.0, 4.2e3, 0.12), (145.0, 2.4e3, 0.10), (np.inf, 1.2e3, 0.10))
CURRENT_TYPE = SecondOrder(15.0e3, 0.5)
"""Current transformers, whatever their voltage."""


def voltage_type(vt_kind: str, nominal_kv: float, nominal_hz: float) -> Device:
    """The type of a voltage transformer: what a device would be without scatter.

    Raises:
        SimulationError: The kind is not known.
    """
    if vt_kind == "cvt":
        _, divider, stray, burden = next(row for row in _CAPACITOR_TYPES if nominal_kv <= row[0])
        return _capacitor_type(divider, stray, burden, nominal_hz)
    if vt_kind == "inductive":
        _, resonance, damping = next(row for row in _INDUCTIVE_TYPES if nominal_kv <= row[0])
        return SecondOrder(resonance, damping)
    raise SimulationError(f"vt_kind {vt_kind!r} is not known", "use cvt or inductive")


def normalised(device: Device, f_hz: Floats, nominal_hz: float) -> Complexes:
    """Transfer functions with 1 at the nominal frequency, shape [..., f]."""
    return np.asarray(device.ratio(f_hz) / device.ratio(np.array([nominal_hz])))
