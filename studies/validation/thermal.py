"""Transformer temperatures and ageing of IEC 60076-7 and IEEE C57.91."""

from __future__ import annotations

import numpy as np

from simulation.thermal import c57
from simulation.thermal.iec60076 import Characteristics, Rated, State, ageing_rate, steady, step
from studies.validation.case import Case, Figure

ONAF_250_MVA = Characteristics(38.3, 1.4 * 14.5, 0.8, 1.3, 0.5, 2.0, 2.0, 150.0, 7.0)
"""The standard's 250 MVA example: 38.3 K top oil, hot-spot factor 1.4 on a gradient of 14.5 K."""

LOSS_RATIO, AIR_C, OIL_BEFORE_K = 1000.0, 25.6, 12.7

# Minutes, load, top oil and hot spot at the end, °C.
STEPS = (
    (190, 1.0, 61.9, 83.8),
    (175, 0.6, 44.4, 54.0),
    (135, 1.5, 89.2, 127.0),
    (205, 0.3, 35.0, 37.5),
    (25, 2.1, 67.9, 138.6),
    (15, 0.0, 60.3, 75.3),
)

# Hot spot, °C, and ageing relative to rated life.
ACCELERATION = ((110.0, 1.0), (120.0, 2.71), (130.0, 6.98), (140.0, 17.2))
RATE = ((92.0, 0.5), (98.0, 1.0), (104.0, 2.0), (116.0, 8.0))


def iec() -> Case:
    """Temperatures along the standard's load steps."""
    rated, air = Rated.of(LOSS_RATIO, ONAF_250_MVA), np.asarray(AIR_C)
    state = State(np.asarray(AIR_C + OIL_BEFORE_K), np.asarray(0.0), np.asarray(0.0))
    figures = []
    minutes = 0
    for lasts, load, oil_c, hot_spot_c in STEPS:
        target = steady(rated, np.asarray(load), air)
        for _ in range(lasts):
            state = step(rated, state, target, 1.0)
        minutes += lasts
        figures += [
            Figure(f"top oil after {minutes} min", "°C", oil_c, float(state.oil_c), 1.5, 1),
            Figure(f"hot spot after {minutes} min", "°C", hot_spot_c, float(state.hot_spot_c), 1.5, 1),
        ]
    return Case(
        "Temperatures of IEC 60076-7",
        "IEC 60076-7, annex on a 250 MVA ONAF transformer, as tests of a public implementation quote it",
        "The difference equations with steps of one minute. The public implementation's tests allow 1.5 K "
        "too: rounded inputs are published.",
        figures,
    )


def ageing() -> Case:
    """Both standards' relative ageing."""
    return Case(
        "Ageing by IEEE C57.91 and IEC 60076-7",
        "IEEE C57.91, ageing acceleration factor of upgraded paper; IEC 60076-7, relative ageing rate (1 at "
        "98 °C, doubled every 6 K); both from common knowledge",
        "Three digits are tabulated for the former, the latter is exact.",
        [
            *(
                Figure(
                    f"F_AA at {hot:.0f} °C",
                    "",
                    value,
                    float(c57.ageing_acceleration(np.asarray(hot))),
                    0.05,
                    2,
                )
                for hot, value in ACCELERATION
            ),
            *(
                Figure(f"V at {hot:.0f} °C", "", value, float(ageing_rate(np.asarray(hot))), 1e-9, 3)
                for hot, value in RATE
            ),
        ],
    )
