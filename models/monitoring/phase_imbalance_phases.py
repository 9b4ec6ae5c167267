"""`phase_imbalance` by phase voltages alone: the class of unbalance where a meter gives no line voltages.

Phase-to-neutral magnitudes hold the zero sequence too, so that no formula tells the unbalance factor from
them; what is usual at a site does, as far as it can be told. In measured tables the target is the factor that
the line voltages give, which the model does not read; the critical phase is then not judged, since no second
instrument tells it.
"""

from __future__ import annotations

import numpy as np

from data_contracts.dataset import Dataset
from models import observed_readings
from models.dataset import Built
from models.declaration import Bar
from models.errors import DataError
from models.monitoring.phase_imbalance import (
    CLASSES,
    DEVIATIONS,
    LIMITS_PCT,
    PhaseImbalance,
    class_of,
    line_vuf_pct,
    phase_of,
)
from models.observed_readings import LINES, PHASES
from models.plain import Plain
from models.splits import TRAIN
from models.time_splits import TimeSplit
from switchyard.identity import generator


class PhaseImbalancePhases(PhaseImbalance):
    """Decision tree over five features of the phase voltages."""

    variant = "phase_voltages"
    algorithm = "decision tree on the phase voltages alone, for meters that give no line voltages"
    features = (*DEVIATIONS, "v_mean_pu", "pvur_pct")
    opponents = ("pvur",)
    references = ()
    bars = (Bar("accuracy", None, beats=("pvur",)), Bar("macro_f1", None, beats=("pvur",)))
    plain = Plain(
        purpose=PhaseImbalance.plain.purpose,
        main=PhaseImbalance.plain.main,
        said=PhaseImbalance.plain.said,
        rivals={"pvur": PhaseImbalance.plain.rivals["pvur"]},
    )
    limits = (
        "Phase voltages do not tell the negative sequence from the zero sequence: what the model knows of "
        "that is what was usual where it learnt. Unbalance near a class limit is told by chance. The "
        "critical phase of a balanced window means nothing."
    )

    def check_observed(self, dataset: Dataset) -> None:
        """See that the table `readings` fills phase voltages, to be read, and line voltages, for the target.

        Raises:
            DataError: It does not.
        """
        observed_readings.check(self, dataset, (PHASES,))
        try:
            observed_readings.check(self, dataset, (LINES,))
        except DataError as error:
            raise DataError(
                f"dataset {dataset.name} has no line voltages, and phase voltages do not tell the unbalance "
                f"factor by which {self.name} is judged: the zero sequence is in them too",
                error.remedy,
            ) from error

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Windows of an ingested table `readings` with the class that its line voltages give.

        Raises:
            DataError: It lacks what is needed, or all windows to learn from are of one class.
        """
        self.check_observed(dataset)
        names = self.columns
        taken = observed_readings.measured(dataset, (PHASES, LINES), split)
        X = observed_readings.features_of(taken, names)
        with np.errstate(invalid="ignore"):
            vuf_pct = line_vuf_pct(taken.channels[LINES].mean(axis=1))
        told, known = np.isfinite(X).all(axis=1), np.isfinite(vuf_pct)
        at = np.flatnonzero(told & known)
        windows, X, vuf_pct = taken.take(at), X[at], vuf_pct[at]
        code = class_of(vuf_pct)
        nobody = np.zeros(at.size, dtype=bool)
        truth = {
            "vuf_pct": vuf_pct,
            "code": code,
            "unbalanced": nobody,
            "phase": phase_of(windows.channels[PHASES].mean(axis=1)),
            "vuf_of_magnitudes_pct": np.full(at.size, np.nan),
        }
        rows = observed_readings.rows_of(windows, names, X, truth)
        rows = rows.select(self.chosen(rows, generator(dataset.name, self.name, "chosen")))
        learnt = np.unique(np.asarray(rows.truth["code"])[rows.split == TRAIN])
        if learnt.size < 2:
            largest = float(vuf_pct[windows.split == TRAIN].max(initial=0.0))
            named = ", ".join(CLASSES[one] for one in learnt) or "of no class"
            raise DataError(
                f"dataset {dataset.name}: every window before {split.validation_from} is {named} (the "
                f"largest unbalance is {largest:.2g} %, the first limit {LIMITS_PCT[0]:g} %)",
                "there is nothing to learn: ingest a record in which the unbalance passes a limit",
            )
        return Built(rows, taken.possible, int((~told).sum()), int((told & ~known).sum()))


DEFINITION = PhaseImbalancePhases()
