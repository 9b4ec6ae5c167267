"""The IEEE 13-node test feeder: an unbalanced feeder with its published voltages and losses."""

from __future__ import annotations

from pathlib import Path

from studies.validation.case import Case
from studies.validation.feeder import Tolerances, Voltages, figures

CIRCUIT = Path(__file__).parent / "circuits" / "ieee13.dss"

VOLTAGES: Voltages = {
    "632": {1: (1.0210, -2.49), 2: (1.0420, -121.72), 3: (1.0174, 117.83)},
    "633": {1: (1.0180, -2.56), 2: (1.0401, -121.77), 3: (1.0148, 117.82)},
    "634": {1: (0.9940, -3.23), 2: (1.0218, -122.22), 3: (0.9960, 117.34)},
    "645": {2: (1.0329, -121.90), 3: (1.0155, 117.86)},
    "646": {2: (1.0311, -121.98), 3: (1.0134, 117.90)},
    "671": {1: (0.9900, -5.30), 2: (1.0529, -122.34), 3: (0.9778, 116.02)},
    "684": {1: (0.9881, -5.32), 3: (0.9758, 115.92)},
    "611": {3: (0.9738, 115.78)},
    "652": {1: (0.9825, -5.25)},
    "692": {1: (0.9900, -5.31), 2: (1.0529, -122.34), 3: (0.9777, 116.02)},
    "675": {1: (0.9835, -5.56), 2: (1.0553, -122.52), 3: (0.9758, 116.03)},
}
LOSSES_KVA = 111.063 + 324.653j


def case() -> Case:
    """The published profile beside ours."""
    return Case(
        "Voltages of the IEEE 13-node test feeder",
        "IEEE PES Distribution Test Feeders, 13-bus feeder, published voltage profile and losses; "
        "W. H. Kersting, Radial distribution test feeders, IEEE PES Winter Meeting 2001",
        "`study powerflow` on the feeder written down from its published impedances, loads, capacitors "
        "and regulator taps (`studies/validation/circuits/ieee13.dss`). Four decimals of a pu and two of a "
        "degree are published; how the distributed load is lumped moves the fourth decimal.",
        figures(CIRCUIT, VOLTAGES, LOSSES_KVA, Tolerances(2e-4, 0.02, 0.1)),
    )
