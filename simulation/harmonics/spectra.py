"""Current spectra of the equipment that distorts: one declaration each.

Amplitudes are shares of the equipment's own fundamental current in percent; angles, in degrees, are those
of the harmonic at the crest of the fundamental current. Of single devices in service amplitudes differ by
tens of percent and angles by tens of degrees, the more so the higher the order: `spread` and `turn_deg` say
by how much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import ORDERS
from simulation.engine.network import Complexes


@dataclass(frozen=True, slots=True)
class Spectrum:
    """One kind of equipment.

    Attributes:
        name: Its name.
        orders: Order, amplitude in percent, angle in degrees.
        spread: Standard deviation of the logarithm of an amplitude from one feeder's equipment to another's.
        turn_deg: Standard deviation of an angle, per order, degrees: how far the crests of the currents of
            different equipment lie apart.
        behind_delta: Whether it is connected behind distribution transformers with a delta winding, which
            keep most of the triplen currents to themselves.
        transformers: Whether half of it hangs on transformers that turn the phase by 30°, so that orders 5,
            7, 17, 19 … of one half oppose those of the other.
    """

    name: str
    orders: tuple[tuple[int, float, float], ...]
    spread: float
    turn_deg: float
    behind_delta: bool
    transformers: bool

    def phasors(self) -> Complexes:
        """Shares of the fundamental, orders 1 … 40, shape [40]; order 1 is zero."""
        found = np.zeros(ORDERS, dtype=np.complex128)
        for order, pct, deg in self.orders:
            found[order - 1] = 0.01 * pct * np.exp(1j * np.radians(deg))
        return found


# Six pulses into a capacitor without and with a choke, and twelve pulses: ABB, Technical guide No. 6, Guide
# to harmonics with AC drives, table of typical current spectra to order 19. Above that the amplitudes go on
# as 1/h; the signs are those of the Fourier series of 120° blocks (Mohan, Undeland, Robbins, Power
# Electronics).
SIX_PULSE = Spectrum(
    "six_pulse",
    ((5, 63.0, 180.0), (7, 54.0, 0.0), (11, 10.0, 180.0), (13, 6.1, 0.0), (17, 6.7, 180.0), (19, 4.8, 0.0),
     (23, 3.6, 180.0), (25, 2.8, 0.0), (29, 2.2, 180.0), (31, 1.9, 0.0), (35, 1.5, 180.0), (37, 1.3, 0.0)),
    0.20, 3.0, False, True,
)  # fmt: skip
SIX_PULSE_CHOKE = Spectrum(
    "six_pulse_choke",
    ((5, 30.0, 180.0), (7, 12.0, 0.0), (11, 8.9, 180.0), (13, 5.6, 0.0), (17, 4.4, 180.0), (19, 4.1, 0.0),
     (23, 3.2, 180.0), (25, 2.8, 0.0), (29, 2.3, 180.0), (31, 2.0, 0.0), (35, 1.7, 180.0), (37, 1.5, 0.0)),
    0.20, 2.5, False, True,
)  # fmt: skip
TWELVE_PULSE = Spectrum(
    "twelve_pulse",
    ((5, 2.2, 180.0), (7, 1.5, 0.0), (11, 6.2, 180.0), (13, 4.7, 0.0), (17, 0.5, 180.0), (19, 0.4, 0.0),
     (23, 2.6, 180.0), (25, 2.2, 0.0), (35, 1.5, 180.0), (37, 1.3, 0.0)),
    0.25, 2.5, False, False,
)  # fmt: skip
# Power supplies of computers and appliances: W. M. Grady, Understanding Power System Harmonics, University of
# Texas at Austin, table of single-phase electronic loads. All crests lie on that of the voltage.
RECTIFIER = Spectrum(
    "rectifier",
    ((3, 81.0, 180.0), (5, 60.6, 0.0), (7, 37.0, 180.0), (9, 15.7, 0.0), (11, 2.4, 0.0), (13, 6.3, 180.0),
     (15, 7.9, 0.0), (17, 3.6, 180.0), (21, 2.4, 0.0), (23, 2.0, 180.0)),
    0.20, 4.0, True, False,
)  # fmt: skip
# Lamps with electronic ballast above 25 W: within the limits of IEC 61000-3-2, class C (3: 30·cos φ, 5: 10,
# 7: 7, 9: 5, 11 and above: 3 %), of which they use most; from common knowledge.
LIGHTING = Spectrum(
    "lighting",
    ((3, 22.0, 180.0), (5, 8.5, 0.0), (7, 6.0, 180.0), (9, 4.2, 0.0), (11, 2.6, 180.0), (13, 2.4, 0.0),
     (15, 2.0, 180.0), (17, 1.8, 0.0), (19, 1.5, 180.0), (21, 1.2, 0.0), (23, 1.0, 0.0), (25, 1.0, 180.0)),
    0.30, 5.0, True, False,
)  # fmt: skip
# Inverters of photovoltaic plants: well within IEEE 1547's limits for the current (4 % below order 11, 2 % to
# 15, 1.5 % to 21, 0.6 % to 33); from common knowledge.
INVERTER = Spectrum(
    "inverter",
    ((2, 0.5, 0.0), (3, 1.2, 60.0), (5, 2.4, 120.0), (7, 1.8, -60.0), (11, 1.2, 90.0), (13, 1.0, -90.0),
     (17, 0.8, 30.0), (19, 0.7, -30.0), (23, 0.4, 0.0), (25, 0.4, 180.0), (29, 0.3, 0.0), (31, 0.3, 180.0)),
    0.35, 8.0, True, False,
)  # fmt: skip
# An arc furnace while it melts: IEEE 519-1992, table of harmonic currents of arc furnaces (2: 7.7, 3: 5.8, 4:
# 2.5, 5: 4.2, 7: 3.1 %); even orders because the arcs differ between half-waves.
ARC_FURNACE = Spectrum(
    "arc_furnace",
    ((2, 7.7, 40.0), (3, 5.8, -70.0), (4, 2.5, 110.0), (5, 4.2, 180.0), (6, 0.8, 0.0), (7, 3.1, 20.0),
     (8, 0.5, 0.0), (9, 0.6, 0.0), (11, 1.0, 180.0), (13, 0.7, 0.0)),
    0.35, 12.0, False, False,
)  # fmt: skip

SPECTRA = (SIX_PULSE, SIX_PULSE_CHOKE, TWELVE_PULSE, RECTIFIER, LIGHTING, INVERTER, ARC_FURNACE)
