"""Rolling statistics of the last five readings: what is happening now, inside the window."""

from __future__ import annotations

from features import channels as ch
from features.declaration import DEFINITION, SECONDS_OF_THREE, Feature
from features.statistics import Float, Statistics

VALID = "over the valid ones of the last five readings; three-phase signals " + SECONDS_OF_THREE

# Signal, its unit and channel, in the order of `Statistics.rolled`.
SIGNALS = (
    ("f", "Hz", "f", "f"),
    ("p", "pu", "p", "(P_a + P_b + P_c) / rated apparent power"),
    ("q", "pu", "q", "(Q_a + Q_b + Q_c) / rated apparent power"),
    ("i", "pu", "i", "three-phase mean current / rated current"),
    ("v", "pu", "v", "three-phase mean voltage / nominal voltage"),
)
STATISTICS = (
    ("mean", "", "mean", 1),
    ("std", "", "sample standard deviation", 2),
    ("min", "", "smallest", 1),
    ("max", "", "largest", 1),
    ("trend", "/s", "least-squares slope per second", 3),
)

FEATURES = tuple(
    Feature(
        f"{signal}_roll_{name}_{(unit + per).lower().replace('/', '_')}",
        "rolling",
        unit + per,
        f"{text} of the last {ch.ROLLING} readings of {formula}",
        DEFINITION,
        (channel,),
        VALID,
        fewest,
    )
    for name, per, text, fewest in STATISTICS
    for signal, unit, channel, formula in SIGNALS
)


def fill(s: Statistics, out: Float) -> None:
    """Write the rolling features of `s` into the rows of `out`."""
    out[:] = s.rolled.reshape(out.shape)
