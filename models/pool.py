"""Rows that a training step sees: those of a profile's substations, split by days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_contracts.dataset import Dataset
from models.dataset import Built, build
from models.errors import DataError
from models.observed_site import Offer
from models.protocol import Definition
from models.rows import Rows, concatenate
from models.splits import TEST, TRAIN, VALIDATION, scheme
from switchyard.profiles import Profile


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows that a training step sees.

    Attributes:
        training: Rows of the training substations, all splits.
        held_out: Rows of the held-out substations; None where the profile has none.
        left_out: Windows that could not be used.
        digests: Digest of each dataset's content, by dataset name.
        circuits: Digest of each circuit, by dataset name.
        scheme: How the days were split.
        offer: How a version that learns from a measured dataset is to be served; None of a simulated one.
    """

    training: Rows
    held_out: Rows | None
    left_out: int
    digests: dict[str, str]
    circuits: dict[str, str]
    scheme: str
    offer: Offer | None = None

    def split(self, which: int) -> Rows:
        """Training substations' rows of one split."""
        return self.training.select(self.training.split == which)


def load(declared: Definition[Any], profile: Profile, datasets: Mapping[str, Path]) -> Pool:
    """Rows of a profile's substations.

    Raises:
        DataError: A substation of the profile has no dataset, or a split of the training ones is empty.
    """
    missing = [name for name in profile.substations if name not in datasets]
    if missing:
        raise DataError(f"no dataset for {', '.join(missing)}", "simulate every substation of the profile")
    opened = {name: Dataset.open(datasets[name]) for name in profile.substations}
    built: dict[str, Built] = {
        name: build(dataset, declared, profile.simulation.start) for name, dataset in opened.items()
    }
    training = concatenate([built[name].rows for name in profile.training])
    held_out = [built[name].rows for name in profile.held_out]
    check_splits(declared, training, profile.training, "give the profile more days and episodes")
    return Pool(
        training=training,
        held_out=concatenate(held_out) if held_out else None,
        left_out=sum(part.without_features + part.without_truth for part in built.values()),
        digests={dataset.name: dataset.digest for dataset in opened.values()},
        circuits={dataset.name: dataset.manifest.circuit_digest for dataset in opened.values()},
        scheme=scheme(profile.simulation.start),
    )


def check_splits(declared: Definition[Any], training: Rows, substations: Sequence[str], remedy: str) -> None:
    """See that there are rows to train on, to validate and to test.

    Raises:
        DataError: There are none of one kind.
    """
    for split, text in ((TRAIN, "training"), (VALIDATION, "validation"), (TEST, "test")):
        if not np.any(training.split == split):
            raise DataError(f"{declared.name}: no {text} window in {', '.join(substations)}", remedy)
