"""Targets of the monitoring models, with the rows and opponents that these declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import macro_f1, mean_absolute, ranking
from flows.difficulty.targets.load import said
from models import dataset, detection, frequency_regimes, frequency_rivals
from models.errors import DataError
from models.monitoring import frequency_stability, harmonic_analysis, phase_imbalance, voltage_anomaly
from models.protocol import Definition
from models.rows import Rows
from models.subsets import spread
from switchyard.identity import generator

MOST_ROWS = 30_000
"""Rows that are kept, a few of every episode."""


class Unbalance(Target):
    """Class of the true unbalance factor over a window."""

    name = "phase_imbalance"
    title = "Class of the voltage unbalance factor"
    tables = ("readings", "readings_truth")
    task = "class"
    score = macro_f1(len(phase_imbalance.CLASSES))
    grouped = "episode"
    oracle = phase_imbalance.DEFINITION.oracle

    def read(self, campaign: Campaign) -> Cases | None:
        """The model's windows."""
        definition = phase_imbalance.DEFINITION
        rows = windows(campaign, definition)
        if rows is None:
            return None
        oracle = definition.oracle_answer(rows)
        return Cases(
            columns=definition.features,
            X=rows.inputs(definition.features),
            y=np.asarray(rows.truth["code"], dtype=np.float64),
            group=rows.episode.codes,
            split=rows.split,
            opponents=declared(definition, definition.opponents, rows, "code"),
            references=declared(definition, definition.references, rows, "code"),
            oracle=None if oracle is None else np.asarray(oracle["code"], dtype=np.float64),
        )


class Anomaly(Target):
    """Whether an anomalous event acts within a window."""

    name = "voltage_anomaly"
    title = "An anomaly of the voltages within the window"
    tables = ("readings", "readings_truth")
    task = "chance"
    score = ranking()
    grouped = "episode"
    oracle = ""

    def read(self, campaign: Campaign) -> Cases | None:
        """The model's windows; opponents by their measure, in odds."""
        definition = voltage_anomaly.DEFINITION
        rows = windows(campaign, definition)
        if rows is None:
            return None
        anomalous = np.asarray(rows.truth["anomaly"], dtype=bool)
        X = rows.inputs(definition.features)

        def measured(name: str) -> Callable[[Ints], Floats]:
            def answer(train: Ints) -> Floats:
                normal = X[train[~anomalous[train]]]
                odds = np.maximum(detection.MEASURES[name](normal, voltage_anomaly.SHAPING)(X), 0.0)
                return np.asarray(odds / (1.0 + odds), dtype=np.float64)

            return answer

        outside = voltage_anomaly.outside_limits(rows)
        return Cases(
            columns=definition.features,
            X=X,
            y=anomalous.astype(np.float64),
            group=rows.episode.codes,
            split=rows.split,
            opponents={
                "statutory_limits": said(np.where(outside, 0.9, 0.1)),
                **{name: measured(name) for name in definition.opponents if name in detection.MEASURES},
            },
        )


class Distortion(Target):
    """True distortion of the primary voltage behind a capture."""

    name = "harmonic_analysis"
    title = "THD of the primary voltage, from a capture"
    tables = ("readings", "waveforms", "waveforms_truth")
    task = "value"
    score = mean_absolute("% of the fundamental")
    grouped = "episode"
    oracle = "the solved distortion itself"

    def read(self, campaign: Campaign) -> Cases | None:
        """The model's windows that have a capture."""
        definition = harmonic_analysis.DEFINITION
        rows = windows(campaign, definition)
        if rows is None:
            return None
        rows = rows.select(np.asarray(rows.truth["captured"], dtype=bool))
        y, plain = (
            np.asarray(rows.truth["thd_pct"], dtype=np.float64),
            rows.column(harmonic_analysis.SPECTRUM),
        )
        return Cases(
            columns=definition.features,
            X=rows.inputs(definition.features),
            y=y,
            group=rows.episode.codes,
            split=rows.split,
            opponents={"plain spectrum": said(plain)},
            oracle=y,
            base=plain,
        )


class FrequencyAhead(Target):
    """True frequency five seconds ahead, in one regime."""

    tables = ("frequency",)
    task = "value"
    score = mean_absolute("mHz")
    grouped = "episode"
    oracle = ""

    def __init__(self, name: str, title: str, regime: str) -> None:
        self.name = name
        self.title = title
        self.regime = regime

    def read(self, campaign: Campaign) -> Cases | None:
        """The model's seconds of that regime; y is the change, mHz."""
        definition = frequency_stability.DEFINITION
        rows = windows(campaign, definition, self.regime)
        if rows is None:
            return None

        def ridge(train: Ints) -> Floats:
            known = rows.select(train)
            fitted = frequency_rivals.fit_ridge(known, known, self.regime)
            return 1e3 * frequency_rivals.ridge_change(fitted, rows)

        return Cases(
            columns=definition.features,
            X=rows.inputs(definition.features),
            y=1e3 * np.asarray(rows.truth["change_hz"], dtype=np.float64),
            group=rows.episode.codes,
            split=rows.split,
            opponents={"persistence": said(np.zeros(len(rows))), "ridge autoregression": ridge},
        )


def windows(campaign: Campaign, definition: Definition[Any], only: str | None = None) -> Rows | None:
    """Rows of a model, a few of every episode; None where the tables hold none of them.

    Args:
        campaign: The tables.
        definition: The model.
        only: Truth column that chooses rows; None for all.
    """
    try:
        rows = dataset.build(campaign.dataset, definition, campaign.start).rows
    except DataError:
        return None
    if only is not None:
        rows = rows.select(np.asarray(rows.truth[only], dtype=bool))
    return spread(rows, MOST_ROWS, generator(campaign.dataset.name, definition.name, "difficulty"))


def declared(
    definition: Definition[Any], names: Iterable[str], rows: Rows, column: str
) -> dict[str, Callable[[Ints], Floats]]:
    """Opponents that a model declares, by one column of their answer."""

    def of(name: str) -> Callable[[Ints], Floats]:
        def answer(train: Ints) -> Floats:
            known = rows.select(train)
            return np.asarray(definition.opponent(name, known, known, rows)[column], dtype=np.float64)

        return answer

    return {name: of(name) for name in names}


TARGETS = (
    Unbalance(),
    Distortion(),
    Anomaly(),
    FrequencyAhead("frequency_5s_quiet", "Frequency 5 s ahead, quiet", frequency_regimes.QUIET),
    FrequencyAhead(
        "frequency_5s_event", "Frequency 5 s ahead, up to 30 s after an event", frequency_regimes.ONSET
    ),
)
