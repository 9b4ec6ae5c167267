"""The panel of 16 models: which of them are asked about an item, and what each of them says."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import UNSET, UnsetType

import features
from data_contracts.answers import NAMES, Answer
from data_contracts.ranges import INVALID
from data_contracts.wire import Item, Rows
from features.online import windows_from_rows
from features.sequence import sequence
from serving import abstentions
from serving.errors import ModelError
from serving.metrics import ModelMetrics
from serving.runtime import CompiledModel, FloatArray
from serving.sites import Site
from switchyard.log import get_logger

_log = get_logger("serving")

INDEX = {name: k for k, name in enumerate(NAMES)}

Answers = list[Answer | UnsetType]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One checked item with what is needed to answer it.

    Attributes:
        item: The item.
        site: Its measurement point.
        models: Names of the models to ask; None asks all.
    """

    item: Item
    site: Site
    models: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A model of the snapshot with the metrics that it is counted in."""

    model: CompiledModel
    metrics: ModelMetrics


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What becomes of the 16 models at one point: answers that are known beforehand, and models to run."""

    known: tuple[Answer | UnsetType, ...]
    run: tuple[Served, ...]
    sequences: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is told of one item.

    Attributes:
        answers: Of the 16 models, in the order of `NAMES`.
        strangers: Inputs beyond what a model has learnt from, by model.
    """

    answers: Answers
    strangers: dict[str, list[str]] = field(default_factory=dict)


def plan_for(site: Site, routes: Mapping[str, Served]) -> Plan:
    """What becomes of the 16 models at a point, given the models that answer at its substation."""
    known: list[Answer | UnsetType] = []
    run = []
    for name in NAMES:
        served = routes.get(name)
        if served is None:
            known.append(abstentions.not_published(name))
            continue
        spec = served.model.spec
        if spec.point_kinds and site.kind not in spec.point_kinds:
            known.append(abstentions.not_applicable(name, served.model.version, site.kind, spec.point_kinds))
        else:
            known.append(UNSET)
            run.append(served)
    return Plan(tuple(known), tuple(run), tuple(name for name in abstentions.SEQUENCES if name not in routes))


def answers_of(plans: Mapping[Site, Plan], asked: Sequence[Asked], rows: Rows) -> list[Told]:
    """What is told of each item: the 16 answers in the order of `NAMES`, unset where a model was not asked.

    Args:
        plans: What becomes of the models at each point.
        asked: The items.
        rows: Their readings, packed in the same order.
    """
    results: list[Told] = []
    to_run: dict[Served, list[int]] = {}
    for at, one in enumerate(asked):
        plan = plans[one.site]
        given = list(plan.known)
        readings = len(one.item.readings)
        for name in plan.sequences:
            if readings < abstentions.SEQUENCES[name]:
                given[INDEX[name]] = abstentions.not_published(name, readings)
        if one.models is not None:
            given = [
                answer if name in one.models else UNSET for name, answer in zip(NAMES, given, strict=True)
            ]
        for served in plan.run:
            if one.models is None or served.model.spec.model in one.models:
                to_run.setdefault(served, []).append(at)
        results.append(Told(given))
    if to_run:
        captures = {k: one.item.waveform for k, one in enumerate(asked) if one.item.waveform is not UNSET}
        windows = windows_from_rows(rows, [one.site.nominals for one in asked], captures)
        matrix = _matrix(windows, asked, to_run)
        for served, places in to_run.items():
            _run(served, places, asked, matrix, results)
    return results


def _matrix(windows: features.Windows, asked: Sequence[Asked], models: Iterable[Served]) -> FloatArray:
    """Features of all items, columns as in `features.ALL_INDEX`; blocks that no model reads are NaN."""
    sequential = any(served.model.sequential for served in models)
    groups = frozenset().union(*(served.model.context_groups for served in models))
    of_windows = features.compute(windows)
    if not sequential and not groups:
        return of_windows
    matrix = np.full((len(asked), len(features.ALL_INDEX)), np.nan)
    matrix[:, : len(features.NAMES)] = of_windows
    if sequential:
        matrix[:, features.SEQUENCE] = _sequences(windows)
    if groups:
        items = [one.item for one in asked]
        matrix[:, features.CONTEXT] = features.context_block(items, windows, groups)
    return matrix


def _sequences(windows: features.Windows) -> FloatArray:
    """Features of the windows' frequency as sequences; an invalid reading is missing, [n, 80]."""
    f_hz = np.where(windows.quality.T == INVALID, np.nan, windows.channel("f"))
    return sequence(f_hz, windows.f_nom_hz)


def _run(
    served: Served, places: list[int], asked: Sequence[Asked], matrix: FloatArray, results: list[Told]
) -> None:
    """Ask one model about the items at `places` and write its answers into `results`."""
    model, spec = served.model, served.model.spec
    index = INDEX[spec.model]
    inputs = matrix[np.array(places)[:, None], model.columns]
    missing = np.isnan(inputs)
    incomplete = (missing & model.required).any(axis=1).tolist()
    without_all = missing[:, model.one_of].all(axis=1).tolist() if model.one_of.size else ()
    ready = []
    for row, at in enumerate(places):
        item = asked[at].item
        if len(item.readings) < spec.minimum_readings:
            results[at].answers[index] = abstentions.too_few_readings(
                spec.model, model.version, spec.minimum_readings, len(item.readings)
            )
        elif spec.requires and (lacking := abstentions.absent(item, spec.requires)):
            results[at].answers[index] = abstentions.missing_context(spec.model, model.version, lacking)
        elif incomplete[row]:
            gone = missing[row] & model.required
            names = tuple(name for name, lost in zip(spec.features, gone, strict=True) if lost)
            results[at].answers[index] = abstentions.missing_input(spec.model, model.version, names)
        elif without_all and without_all[row]:
            results[at].answers[index] = abstentions.missing_all(spec.model, model.version, spec.one_of)
        else:
            ready.append(row)
    served.metrics.abstained.inc(len(places) - len(ready))
    if not ready:
        return
    if len(ready) < len(places):
        inputs, places = inputs[ready], [places[row] for row in ready]
    for row, strange in model.strangers(inputs).items():
        results[places[row]].strangers[spec.model] = strange
    _ask(served, inputs, places, index, results)


def _ask(served: Served, inputs: FloatArray, places: list[int], index: int, results: list[Told]) -> None:
    """Run a model on rows that it can answer; a row that breaks it takes no other row and no item along."""
    model = served.model
    started = time.perf_counter()
    try:
        answers: Sequence[Answer | None] = model.run(inputs)
        why = "the model gave a figure that is not a number"
    except Exception as error:  # noqa: BLE001 - whatever breaks a model, its items are answered
        if len(places) > 1:
            for row, at in enumerate(places):
                _ask(served, inputs[row : row + 1], [at], index, results)
            return
        why = error.message if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"
        _log.error("%s broke: %s", model.version, why)
        answers = [None]
    served.metrics.seconds.observe(time.perf_counter() - started)
    broken = 0
    for at, answer in zip(places, answers, strict=True):
        if answer is None:
            broken += 1
            results[at].answers[index] = abstentions.failed(model.spec.model, model.version, why)
        else:
            results[at].answers[index] = answer
    served.metrics.ok.inc(len(places) - broken)
    served.metrics.failed.inc(broken)
