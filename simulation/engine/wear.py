"""Elements that no longer have their nameplate's values, until the next compile of the circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from simulation.noise import Floats


class Wear:
    """Worn elements of a compiled circuit.

    Args:
        elements: Its elements by full name.
        changed: Called with the name of an element whose admittance is another.
    """

    def __init__(self, elements: Mapping[str, Any], changed: Callable[[str], None]) -> None:
        self._elements, self._changed = elements, changed
        self._r_pct: dict[str, Floats] = {}
        self._kvar: dict[str, Floats] = {}

    def set_winding_resistance(self, transformer: str, winding: int, ohm: float) -> None:
        """Put `ohm` in series with every phase of a transformer's winding, from 1; 0 restores it.

        The circuit's transformer has one resistance for the three phases of a winding, in per cent on the
        first winding's rating.
        """
        element = self._elements[transformer]
        if transformer not in self._r_pct:
            self._r_pct[transformer] = np.array(element.pctRs, dtype=np.float64)
        base_ohm = float(element.kVs[winding - 1]) ** 2 / (float(element.kVAs[0]) / 1e3)
        r_pct = self._r_pct[transformer].copy()
        r_pct[winding - 1] += 100.0 * ohm / base_ohm
        element.pctRs = r_pct
        self._changed(transformer)

    def set_lost_share(self, capacitor: str, share: float) -> None:
        """Let a capacitor unit have lost a share of its capacitance; 0 restores it."""
        element = self._elements[capacitor]
        if capacitor not in self._kvar:
            self._kvar[capacitor] = np.array(element.kvar, dtype=np.float64)
        element.kvar = self._kvar[capacitor] * (1.0 - share)
        self._changed(capacitor)
