"""Published voltages and losses of a feeder beside `study powerflow`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studies.opendss import powerflow
from studies.validation.case import Figure

Voltages = Mapping[str, Mapping[int, tuple[float, float]]]
"""Node: magnitude in pu and angle in degrees of each of its phases."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What may differ, and why is for the case to say.

    Attributes:
        v_pu: Of a voltage.
        angle_deg: Of its angle.
        losses: Of the losses, kW and kvar.
    """

    v_pu: float
    angle_deg: float
    losses: float


def figures(circuit: Path, voltages: Voltages, losses_kva: complex, within: Tolerances) -> list[Figure]:
    """Each published voltage, its angle and the losses beside ours.

    Args:
        circuit: The feeder.
        voltages: As published.
        losses_kva: As published, kW + j kvar.
        within: Tolerances.
    """
    study = powerflow.study(circuit, tolerance=1e-9)
    rows = {(row["bus"], row["phase"]): row for row in study.tables[0].records()}
    found = []
    for bus, phases in voltages.items():
        for phase, (v_pu, angle_deg) in phases.items():
            row, name = rows[bus, phase], f"node {bus}, phase {'abc'[phase - 1]}"
            found += [
                Figure(name, "pu", v_pu, row["v_pu"], within.v_pu, 4),
                Figure(name, "°", angle_deg, row["angle_deg"], within.angle_deg, 2),
            ]
    for published, unit in ((losses_kva.real, "kw"), (losses_kva.imag, "kvar")):
        ours = float(study.facts[f"branch_losses_{unit}"] or 0.0)
        found.append(Figure("losses", {"kw": "kW", "kvar": "kvar"}[unit], published, ours, within.losses, 2))
    return found
