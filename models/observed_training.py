"""Training on a dataset of measured tables, and what versions and opponents are worth on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from data_contracts.dataset import Dataset
from models import bootstrap, registry, training
from models.card import MEASURED
from models.catalogue import ALGORITHMS, NAMES, definition
from models.comparison import Served
from models.errors import DataError
from models.evaluation import MODEL, TREE3, Answers
from models.metrics import Columns
from models.observed_load import told
from models.observed_site import offer
from models.pool import Pool, check_splits
from models.protocol import Definition
from models.registry import CHAMPION, RegisteredVersion
from models.splits import TEST, TRAIN, VALIDATION
from models.time_splits import TimeSplit
from switchyard.errors import UsageError
from switchyard.home import Home
from switchyard.identity import generator
from switchyard.profiles import Profile

PROFILE = MEASURED
"""Name of the profile of everything that was learnt from measured tables."""

FIRST = "first"
"""Asks for a model's first algorithm by name."""


class Figure(msgspec.Struct, frozen=True):
    """What one forecaster is worth by one metric on a dataset's test days.

    Attributes:
        who: `model`, or the name of an opponent.
        metric: Name of the metric.
        direction: `higher` or `lower` is better.
        value: The figure; None where it is not defined.
        low: Lower end of its 95 % interval by episode.
        high: Upper end.
        ahead: By how much the model is better, in the metric's unit; None of the model itself.
        ahead_low: Lower end of its 95 % interval, of the same resamples.
        ahead_high: Upper end.
    """

    who: str
    metric: str
    direction: str
    value: float | None
    low: float | None
    high: float | None
    ahead: float | None = None
    ahead_low: float | None = None
    ahead_high: float | None = None


class DatasetReport(msgspec.Struct, frozen=True):
    """A version beside its opponents on a dataset; JSON-able by `msgspec.to_builtins`.

    Attributes:
        model: Registered name of the version.
        version: Its number.
        algorithm: Its algorithm; empty for the model's first.
        dataset: The dataset.
        digest: Of the dataset's content.
        split: Which days trained, validated and tested.
        learnt: Whether the version learnt from this very dataset.
        rows: Test rows.
        episodes: Test episodes that intervals are drawn from.
        figures: By metric, the model first.
    """

    model: str
    version: int
    algorithm: str
    dataset: str
    digest: str
    split: str
    learnt: bool
    rows: int
    episodes: int
    figures: tuple[Figure, ...]


def open_observed(home: Home, model: str, name: str, algorithm: str = "") -> Dataset:
    """The dataset `name` of measured tables, to train `model` on.

    Raises:
        UsageError: There is no such model.
        ModelError: The model has no such algorithm.
        ContractError: There is no such dataset.
        DataError: It was simulated, its name is that of a described substation, or measured tables cannot
            tell the model's target.
    """
    import substations

    if model not in NAMES:
        raise UsageError(f"there is no model {model!r} to train", f"choose one of {', '.join(NAMES)}")
    dataset = Dataset.open(home.dataset(name))
    told(dataset)
    if name in substations.names():
        raise DataError(
            f"{model}.{name} is what the substation {name} registers", "ingest under another --dataset"
        )
    suited(dataset, model, algorithm)
    return dataset


def suited(dataset: Dataset, model: str, algorithm: str = "") -> str:
    """The algorithm by which a dataset can train a model.

    Args:
        dataset: The dataset.
        model: The model.
        algorithm: The one asked for, `first` for the model's first. By default one that prefers the dataset,
            else the first that can.

    Raises:
        ModelError: The model has no such algorithm.
        DataError: The dataset does not hold what the least demanding one of them needs.
    """
    names = ["" if algorithm == FIRST else algorithm] if algorithm else ["", *ALGORITHMS.get(model, ())]
    names.sort(key=lambda name: not definition(model, name).prefers(dataset))
    refused = []
    for name in names:
        try:
            definition(model, name).check_observed(dataset)
        except DataError as error:
            refused.append(error)
        else:
            return name
    raise refused[-1]


def profile_of(profile: Profile, dataset: str) -> Profile:
    """The profile's tuning, with a dataset as the only place that trains."""
    return msgspec.structs.replace(profile, name=PROFILE, training=(dataset,), held_out=())


def split_of(
    dataset: Dataset, table: str, validation_from: datetime | None = None, test_from: datetime | None = None
) -> TimeSplit:
    """How a dataset's days are split; by the shares of `models.time_splits` where no time is given.

    Raises:
        DataError: The dataset has no such table, or the times are not in order.
    """
    observed = told(dataset)
    if table not in observed.tables:
        raise DataError(f"dataset {dataset.name} has {', '.join(observed.tables)}, but no {table}")
    rows = observed.tables[table]
    first, last = (datetime.fromisoformat(text).timestamp() for text in (rows.first, rows.last))
    return TimeSplit.of(first, last, observed.time_zone, validation_from=validation_from, test_from=test_from)


def pool_of(dataset: Dataset, declared: Definition[Any], profile: Profile, split: TimeSplit) -> Pool:
    """A dataset's rows.

    Raises:
        DataError: The model cannot learn from it, or a split has no row.
    """
    built = declared.observed_rows(dataset, split)
    check_splits(
        declared,
        built.rows,
        (dataset.name,),
        "ingest a longer record, or move --validation-from and --test-from: a row needs what lies before it "
        "without a gap",
    )
    key = profile.dataset(dataset.name)
    return Pool(
        training=built.rows,
        held_out=None,
        left_out=built.without_features + built.without_truth,
        digests={key: dataset.digest},
        circuits={key: dataset.manifest.circuit_digest},
        scheme=split.text,
    )


def train(
    name: str,
    dataset: Dataset,
    profile: Profile,
    home: Home,
    *,
    step_key: str,
    split: TimeSplit,
    algorithm: str = "",
    study: str | None = None,
) -> training.TrainResult:
    """Train the model `name` on a dataset's first days and register it as `<name>.<dataset>`.

    Args:
        name: Model of the catalogue.
        dataset: The dataset.
        profile: From `profile_of`.
        home: The installation's folders.
        step_key: Key of the training step.
        split: Which days train, validate and test.
        algorithm: Another algorithm of the model than its first.
        study: Key of the search for parameters.

    Raises:
        DataError: The model cannot learn from the dataset.
        ParityError: The compiled model does not answer as the fitted one; nothing is registered.
    """
    return training.train(
        name,
        profile,
        home,
        {},
        step_key,
        substation=dataset.name,
        study=study,
        algorithm=algorithm,
        rows=lambda declared, of: _offered(pool_of(dataset, declared, of, split), dataset, declared, split),
    )


def _offered(pool: Pool, dataset: Dataset, declared: Definition[Any], split: TimeSplit) -> Pool:
    """The rows with what the service must know of where they come from."""
    return replace(pool, offer=offer(dataset, declared.tables[0], pool.training, split))


def version_for(home: Home, model: str, dataset: str, version: int | None = None) -> RegisteredVersion:
    """The version to judge on a dataset: that of `<model>.<dataset>`, else the champion of `<model>`.

    Raises:
        RegistryError: There is none of either.
    """
    own = f"{model}.{dataset}"
    if registry.versions(home, own):
        return registry.get(home, own, CHAMPION if version is None else version)
    return registry.get(home, model, CHAMPION if version is None else version)


def evaluate(
    home: Home, profile: Profile, dataset: Dataset, version: RegisteredVersion, split: TimeSplit
) -> DatasetReport:
    """A version as it is served, beside its opponents, on the same test rows of a dataset.

    Opponents learn from the dataset's own training days.

    Args:
        home: The installation's folders.
        profile: From `profile_of`.
        dataset: The dataset.
        version: The version.
        split: Which days its opponents learn from, and on which all are judged.

    Raises:
        DataError: The dataset does not hold what the model needs.
        PromotionError: The version was made from another declaration.
    """
    served = Served.of(home, version)
    declared = served.declared
    pool = pool_of(dataset, declared, profile, split)
    rows = pool.split(TEST)
    train_rows, validation = pool.split(TRAIN), pool.split(VALIDATION)
    by: dict[str, Columns] = {MODEL: served.answer(rows)}
    for name in (*declared.opponents, *declared.references):
        by[name] = declared.opponent(name, train_rows, validation, rows)
    by[TREE3] = declared.tree3(train_rows, validation, rows)
    found = figures(declared, Answers(rows, by), dataset.name)
    return DatasetReport(
        model=version.name,
        version=version.version,
        algorithm=version.tags.get("algorithm", ""),
        dataset=dataset.name,
        digest=dataset.digest,
        split=split.text,
        learnt=version.tags.get("contributors") == dataset.name,
        rows=len(rows),
        episodes=int(np.unique(rows.episode.codes).size),
        figures=found,
    )


def figures(declared: Definition[Any], answers: Answers, dataset: str) -> tuple[Figure, ...]:
    """Every main metric of everybody, and by how much the model is ahead, from paired resamples.

    A metric that no row tells anything of, such as seconds after an event in a recording, is left out.
    """
    rows = answers.rows
    present, place = np.unique(rows.episode.codes, return_inverse=True)
    resamples = bootstrap.draw(present.size, generator(declared.name, dataset, "observed"))
    found = []
    for metric in declared.metrics:
        if metric.detail:
            continue
        sums: Mapping[str, Any] = {
            who: bootstrap.episode_sums(metric, answer, rows, place)
            for who, answer in answers.by.items()
            if all(column in answer for column in metric.needs)
        }
        sign = 1.0 if metric.direction == "higher" else -1.0
        drawn = {who: bootstrap.values(metric, part, resamples) for who, part in sums.items()}
        value = {who: _defined(metric.value(part.sum(axis=0))) for who, part in sums.items()}
        mine = value.get(MODEL)
        if all(one is None for one in value.values()):
            continue
        for who in sums:
            low, high = bootstrap.interval(drawn[who])
            own = Figure(who, metric.name, metric.direction, value[who], low, high)
            theirs = value[who]
            if who != MODEL and mine is not None and theirs is not None:
                ahead_low, ahead_high = bootstrap.interval(sign * (drawn[MODEL] - drawn[who]))
                own = msgspec.structs.replace(
                    own, ahead=sign * (mine - theirs), ahead_low=ahead_low, ahead_high=ahead_high
                )
            found.append(own)
    return tuple(found)


def _defined(figure: Any) -> float | None:
    return float(figure) if np.isfinite(figure) else None
