"""Disturbances of known size that are planted in measured windows of voltage.

A meter's record does not say what was wrong. What a detector is worth is therefore judged on copies of
windows in which something is made wrong: events of the grid and faults of an instrument as the simulator has
them, by a factor on each phase and reading. The size is counted in error limits of the voltage transformers'
class (0.5 % of the reading at class 0.5): from once to twenty times, evenly in the logarithm.

Readings are means of a step: a sag of ten per cent is one of the step's mean, and not of a half-cycle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features import WINDOW
from models import observed_readings
from models.dataset import Built
from models.detection import KINDS as DETECTED
from models.errors import DataError
from models.observed_readings import LEAST, LINES, MOST, PHASES, Channels, Measured
from models.protocol import Definition
from models.rows import concatenate
from models.time_splits import TimeSplit
from switchyard.identity import generator

KINDS = ("sag", "swell", "unbalance", "drift", "stuck", "spike", "dead")
"""Exchanged inputs are not planted: where phases are alike, nobody can see them."""

BEYOND = 0.10
"""A reading this far from nominal is a dip or a swell (IEC 61000-4-30, EN 50160), and no normal operation."""

LARGEST = 20.0
WHOLE_METER = 0.4
"""Share of the standing-still registers that are the whole meter's."""

LOOSE, LEAST_LOSS = 0.6, 0.3
"""How often a loose contact opens, and the least that is lost then, as a share of the most."""

ALREADY = (0.3, 0.9)
"""How far a drift has come when a window begins, as a share of where it is at its end."""

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def build(dataset: Dataset, definition: Definition[Any], split: TimeSplit) -> Built:
    """Every window twice: as it was read, which counts as normal, and with one planted disturbance.

    A window with a reading beyond `BEYOND` of nominal is left out. Truth is `anomaly`, `kind` (the place in
    `detection.KINDS`, from 1) and `severity` in error limits.

    Args:
        dataset: An ingested dataset with a table `readings`.
        definition: The detector that the rows are for.
        split: Which times train, validate and test.

    Raises:
        DataError: No window has every feature.
    """
    names = definition.columns
    taken = observed_readings.measured(dataset, observed_readings.channels_of(names), split)
    # A missing sample compares as false: it is no event.
    level = taken.channels[PHASES] / taken.v_nom_v[:, None, None]
    eventful = (np.abs(level - 1.0) > BEYOND).any(axis=(1, 2))
    X = observed_readings.features_of(taken, names)
    complete = np.isfinite(X).all(axis=1)
    told = np.flatnonzero(complete & ~eventful)
    if not told.size:
        raise DataError(
            f"dataset {dataset.name}: no window of {observed_readings.TABLE} has every feature of "
            f"{definition.name} and lies within {BEYOND:.0%} of nominal",
            "see which columns and readings are empty in the ingestion's report",
        )
    windows, X = taken.take(told), X[told]
    n = len(windows)
    rng = generator(dataset.name, definition.name, "planted")
    kind = rng.permutation(np.arange(n) % len(KINDS))
    severity = np.exp(rng.uniform(0.0, np.log(LARGEST), n))
    disturbed = observed_readings.features_of(
        windows, names, applied(windows, gains(windows, kind, severity, rng))
    )
    code = 1 + np.array([DETECTED.index(name) for name in KINDS])[kind]
    # What was held may not have been read.
    sound = np.flatnonzero(np.isfinite(disturbed).all(axis=1))
    normal = {
        "anomaly": np.zeros(n, dtype=bool),
        "kind": np.zeros(n, dtype=np.int64),
        "severity": np.zeros(n),
    }
    planted = {"anomaly": np.ones(sound.size, dtype=bool), "kind": code[sound], "severity": severity[sound]}
    parts = [
        observed_readings.rows_of(windows, names, X, normal),
        observed_readings.rows_of(windows.take(sound), names, disturbed[sound], planted),
    ]
    rows = concatenate(parts)
    return Built(rows, taken.possible, int((~complete).sum()), int((complete & eventful).sum()))


def gains(windows: Measured, kind: Int, severity: Float, rng: np.random.Generator) -> Float:
    """What each reading of each phase is multiplied by, float64 [n, 10, 3].

    Args:
        windows: The windows, n.
        kind: Place in `KINDS`, [n].
        severity: Size in error limits, [n].
        rng: Source of randomness.
    """
    n = len(windows)
    excess = severity * windows.error_limit
    sign = rng.choice([-1.0, 1.0], n)
    phase, begin = rng.integers(3, size=n), rng.integers(WINDOW, size=n)
    count = rng.integers(1, 4, size=n)
    whole = rng.random(n) < WHOLE_METER
    loss = rng.uniform(LEAST_LOSS, 1.0, (n, WINDOW)) * (rng.random((n, WINDOW)) < LOOSE)
    already = rng.uniform(*ALREADY, n)
    step = np.arange(WINDOW)
    later = step >= begin[:, None]
    one = np.arange(3) == phase[:, None]
    # The phases from the drawn one on, in the order a, b, c, a: one, two or all three of them.
    several = (np.arange(3) - phase[:, None]) % 3 < count[:, None]
    ramp = already[:, None] + (1.0 - already[:, None]) * (step + 1) / WINDOW
    spike = step == np.clip(begin, 1, WINDOW - 2)[:, None]
    loss[step == begin[:, None]] = 1.0
    steady = later[:, :, None] * np.ones(3)
    shapes = {
        "sag": -steady * several[:, None, :],
        "swell": steady * several[:, None, :],
        "unbalance": steady * (0.5 - 1.5 * one)[:, None, :],
        "drift": (sign[:, None] * ramp)[:, :, None] * one[:, None, :],
        "spike": (sign[:, None] * spike)[:, :, None] * one[:, None, :],
        "dead": -(loss * later)[:, :, None] * one[:, None, :],
    }
    found = np.ones((n, WINDOW, 3))
    for name, shape in shapes.items():
        of = kind == KINDS.index(name)
        found[of] += excess[of, None, None] * shape[of]
    of = kind == KINDS.index("stuck")
    held = (one | whole[:, None])[of]
    found[of] = _held(windows.channels[PHASES][of], begin[of] // 2, held, (sign * excess)[of])
    return found


def _held(v: Float, begin: Int, phases: NDArray[np.bool_], excess: Float) -> Float:
    """Registers that stand still from a reading on, off the value that was true there; [n, 10, 3]."""
    value = np.take_along_axis(v, begin[:, None, None], axis=1) * (1.0 + excess[:, None, None])
    holds = (np.arange(WINDOW) >= begin[:, None])[:, :, None] & phases[:, None, :]
    return np.where(holds, value / v, 1.0)


def applied(windows: Measured, gain: Float) -> Channels:
    """The windows' samples with a factor on each phase; line voltages follow from the phases 120° apart.

    Args:
        windows: The windows.
        gain: Factors, [n, 10, 3].
    """
    v = windows.channels[PHASES]
    found = {
        name: values * gain if name in (PHASES, LEAST, MOST) else values
        for name, values in windows.channels.items()
    }
    if LINES in found:
        found[LINES] = found[LINES] * _chords(v * gain) / _chords(v)
    return found


def _chords(v: Float) -> Float:
    """Line voltages ab, bc, ca of phases 120° apart, by the cosine theorem; [..., 3]."""
    following = np.roll(v, -1, axis=-1)
    found: Float = np.sqrt(v * v + following * following + v * following)
    return found
