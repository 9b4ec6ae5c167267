"""`voltage_anomaly` by phase voltages alone: for meters without line voltages and half-cycle extremes.

The same forest on the features that three phase-to-neutral voltages give.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.monitoring.voltage_anomaly import LEVEL, SHAPED, UNBALANCE_PCT, VoltageAnomaly
from models.planted import BEYOND
from models.rows import Rows

FURTHER = frozenset(
    {"vuf_line_pct", "v0_phasor_pct", "v_line_phase_residual_pu", "v_min_dip_pu", "v_max_rise_pu"}
)
"""Features that read a line voltage or an extreme."""

OF_PHASES = tuple((name, exponent) for name, exponent in SHAPED if name not in FURTHER)


class VoltageAnomalyPhases(VoltageAnomaly):
    """Isolation forest over whitened features of three phase voltages."""

    variant = "phase_voltages"
    algorithm = (
        "isolation forest on whitened features of the phase voltages alone, for meters that give neither "
        "line voltages nor half-cycle extremes"
    )
    features = (*(name for name, _ in OF_PHASES), LEVEL)
    shaping: ClassVar[NDArray[np.float64]] = np.asarray([exponent for _, exponent in OF_PHASES])
    context_features = ("v_min_pu", "v_max_pu", "pvur_pct")

    def outside(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether a phase is beyond ±10 % of nominal or the unbalance beyond 2 % (EN 50160), bool [n].

        The unbalance is that of the phases (PVUR): the limit's own factor needs line voltages.
        """
        return (
            (rows.column("v_min_pu") < 1.0 - BEYOND)
            | (rows.column("v_max_pu") > 1.0 + BEYOND)
            | (rows.column("pvur_pct") > UNBALANCE_PCT)
        )


DEFINITION = VoltageAnomalyPhases()
