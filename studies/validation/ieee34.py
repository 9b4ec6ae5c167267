"""The IEEE 34-node test feeder: long, unbalanced, with two sets of regulators and distributed loads."""

from __future__ import annotations

from pathlib import Path

from studies.validation.case import Case
from studies.validation.feeder import Tolerances, Voltages, figures

CIRCUIT = Path(__file__).parent / "circuits" / "ieee34.dss"

# 814r and 852r are the regulators' sides towards the loads, RG10 and RG11 of the publication.
VOLTAGES: Voltages = {
    "802": {1: (1.0475, -0.05), 2: (1.0484, -120.07), 3: (1.0484, 119.95)},
    "806": {1: (1.0457, -0.08), 2: (1.0474, -120.11), 3: (1.0474, 119.92)},
    "808": {1: (1.0136, -0.75), 2: (1.0296, -120.95), 3: (1.0289, 119.30)},
    "810": {2: (1.0294, -120.95)},
    "812": {1: (0.9763, -1.57), 2: (1.0100, -121.92), 3: (1.0069, 118.59)},
    "814": {1: (0.9467, -2.26), 2: (0.9945, -122.70), 3: (0.9893, 118.01)},
    "814r": {1: (1.0177, -2.26), 2: (1.0255, -122.70), 3: (1.0203, 118.01)},
    "850": {1: (1.0176, -2.26), 2: (1.0255, -122.70), 3: (1.0203, 118.01)},
    "816": {1: (1.0172, -2.26), 2: (1.0253, -122.71), 3: (1.0200, 118.01)},
    "818": {1: (1.0163, -2.27)},
    "820": {1: (0.9926, -2.32)},
    "822": {1: (0.9895, -2.33)},
    "824": {1: (1.0082, -2.37), 2: (1.0158, -122.94), 3: (1.0116, 117.76)},
    "826": {2: (1.0156, -122.94)},
    "828": {1: (1.0074, -2.38), 2: (1.0151, -122.95), 3: (1.0109, 117.75)},
    "830": {1: (0.9894, -2.63), 2: (0.9982, -123.39), 3: (0.9938, 117.25)},
    "854": {1: (0.9890, -2.64), 2: (0.9978, -123.40), 3: (0.9934, 117.24)},
    "852": {1: (0.9581, -3.11), 2: (0.9680, -124.18), 3: (0.9637, 116.33)},
    "852r": {1: (1.0359, -3.11), 2: (1.0345, -124.18), 3: (1.0360, 116.33)},
    "832": {1: (1.0359, -3.11), 2: (1.0345, -124.18), 3: (1.0360, 116.33)},
    "858": {1: (1.0336, -3.17), 2: (1.0322, -124.28), 3: (1.0338, 116.22)},
    "834": {1: (1.0309, -3.24), 2: (1.0295, -124.39), 3: (1.0313, 116.09)},
    "842": {1: (1.0309, -3.25), 2: (1.0294, -124.39), 3: (1.0313, 116.09)},
    "844": {1: (1.0307, -3.27), 2: (1.0291, -124.42), 3: (1.0311, 116.06)},
    "846": {1: (1.0309, -3.32), 2: (1.0291, -124.46), 3: (1.0313, 116.01)},
    "848": {1: (1.0310, -3.32), 2: (1.0291, -124.47), 3: (1.0314, 116.00)},
    "860": {1: (1.0305, -3.24), 2: (1.0291, -124.39), 3: (1.0310, 116.09)},
    "836": {1: (1.0303, -3.23), 2: (1.0287, -124.39), 3: (1.0308, 116.09)},
    "840": {1: (1.0303, -3.23), 2: (1.0287, -124.39), 3: (1.0308, 116.09)},
    "862": {1: (1.0303, -3.23), 2: (1.0287, -124.39), 3: (1.0308, 116.09)},
    "838": {2: (1.0285, -124.39)},
    "864": {1: (1.0336, -3.17)},
    "888": {1: (0.9996, -4.64), 2: (0.9983, -125.73), 3: (1.0000, 114.82)},
    "890": {1: (0.9167, -5.19), 2: (0.9235, -126.78), 3: (0.9177, 113.98)},
    "856": {2: (0.9977, -123.41)},
}
LOSSES_KVA = 273.049 + 34.999j


def case() -> Case:
    """The published profile beside ours."""
    return Case(
        "Voltages of the IEEE 34-node test feeder",
        "IEEE PES Distribution Test Feeders, 34-bus feeder, published voltage profile and losses, quoted "
        "from common knowledge; W. H. Kersting, Radial distribution test feeders, IEEE PES Winter Meeting "
        "2001",
        "`study powerflow` on the feeder written down from its published impedances, lengths, loads, "
        "capacitors and regulator taps (`studies/validation/circuits/ieee34.dss`). Distributed loads are "
        "lumped in the middle of their lines, which the publication spreads along them: up to two units of "
        "the fourth decimal of a voltage, hundredths of a degree and half a kvar come from that.",
        figures(CIRCUIT, VOLTAGES, LOSSES_KVA, Tolerances(3e-4, 0.05, 0.6)),
    )
