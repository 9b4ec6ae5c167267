"""Harmonic voltages beside a capacitor bank: resonance in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studies.opendss import harmonics
from studies.validation.case import Case, Figure

CIRCUIT = Path(__file__).parent / "circuits" / "resonance.dss"

BASE_V = 11e3 / np.sqrt(3.0)
SOURCE_OHM, LOAD_OHM = 0.0242 + 0.484j, 11e3**2 / 3e6
BANK_S = 5e6 / 11e3**2
SHARES = {5: 0.18, 7: 0.12, 11: 0.06, 13: 0.04}


def voltages_pct() -> dict[int, float]:
    """U_h = I_h·Z_h with Z_h of source, bank and load in parallel, in % of the fundamental.

    The drive's fundamental current is U_1/R, so that U_h/U_1 = s_h·|Z_h|/R.
    """
    found = {}
    for order, share in SHARES.items():
        y = 1.0 / complex(SOURCE_OHM.real, order * SOURCE_OHM.imag) + 1j * order * BANK_S + 1.0 / LOAD_OHM
        found[order] = 100.0 * share / abs(y) / LOAD_OHM
    return found


def case() -> Case:
    """The closed form beside the study."""
    study = harmonics.study(CIRCUIT, tolerance=1e-9)
    row = study.tables[0].records(rows=1)[0]
    expected = voltages_pct()
    thd = float(np.sqrt(sum(value**2 for value in expected.values())))
    return Case(
        "Harmonics at a parallel resonance",
        "closed form: circuit theory; order of the resonance √(S_k/Q_C) as in IEEE 519's guidance",
        "`study harmonics` on `studies/validation/circuits/resonance.dss`: 250 MVA, a bank of 5 Mvar "
        "(resonance at order 7.07) and a drive that emits orders 5, 7, 11 and 13.",
        [
            *(
                Figure(f"voltage of order {order}", "%", value, row[f"h{order}_pct"], 1e-4, 4)
                for order, value in expected.items()
            ),
            Figure("THD", "%", thd, row["thd_pct"], 1e-4, 4),
        ],
    )
