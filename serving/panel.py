"""The panel of 16 models: which of them are asked about an item, and what each of them says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import UNSET, UnsetType

import features
from data_contracts.answers import NAMES, Answer
from data_contracts.ranges import INVALID
from data_contracts.wire import Item, Rows
from features.nominals import PointNominals
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
Broken = dict[tuple[int, int], str]
"""Why a group of context features could not be computed, by its place in the groups and the item's."""


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
class Sifted:
    """What is known of one item without its features.

    Attributes:
        given: The 16 answers as far as they are known.
        run: Models that look at the features.
        abstained: Models that have abstained.
    """

    given: tuple[Answer | UnsetType, ...]
    run: tuple[Served, ...]
    abstained: tuple[Served, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What becomes of the 16 models at one point.

    Attributes:
        known: Answers that are known beforehand.
        run: Models that are asked.
        sequences: Models of sequences that are not published.
        readings: Readings from which on no model has too few.
        slow: Those of `run` whose inputs take many milliseconds for one item.
        bare: What is known of an item that brings nothing beside its readings, by how many they are.
    """

    known: tuple[Answer | UnsetType, ...]
    run: tuple[Served, ...]
    sequences: tuple[str, ...]
    readings: int
    slow: tuple[Served, ...] = ()
    bare: dict[int, Sifted] = field(default_factory=dict)


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
        if spec.site is not None and site.point not in spec.site.points:
            known.append(abstentions.not_learnt(name, served.model.version, spec.site.points))
        elif spec.site is None and spec.point_kinds and site.kind not in spec.point_kinds:
            known.append(abstentions.not_applicable(name, served.model.version, site.kind, spec.point_kinds))
        else:
            known.append(UNSET)
            run.append(served)
    sequences = tuple(name for name in abstentions.SEQUENCES if name not in routes)
    enough = max(
        [served.model.spec.minimum_readings for served in run]
        + [abstentions.SEQUENCES[name] for name in sequences],
        default=1,
    )
    slow = tuple(served for served in run if served.model.slow)
    return Plan(tuple(known), tuple(run), sequences, enough, slow)


def takes_long(plan: Plan, one: Asked) -> bool:
    """Whether a model will look at an item whose inputs take many milliseconds."""
    return any(
        (one.models is None or served.model.spec.model in one.models)
        and not abstentions.absent(one.item, served.model.spec.requires)
        for served in plan.slow
    )


def answers_of(plans: Mapping[Site, Plan], asked: Sequence[Asked], rows: Rows) -> list[Told]:
    """What is told of each item: the 16 answers in the order of `NAMES`, unset where a model was not asked.

    What a model needs beside features is looked at first, so that nothing is computed that no model reads.

    Args:
        plans: What becomes of the models at each point.
        asked: The items.
        rows: Their readings, packed in the same order.
    """
    results: list[Told] = []
    to_run: dict[Served, list[int]] = {}
    abstained: dict[Served, int] = {}
    for at, one in enumerate(asked):
        sifted = _sift(plans[one.site], one)
        results.append(Told(list(sifted.given)))
        for served in sifted.run:
            to_run.setdefault(served, []).append(at)
        for served in sifted.abstained:
            abstained[served] = abstained.get(served, 0) + 1
    for served, count in abstained.items():
        served.metrics.abstained.inc(count)
    if to_run:
        captures = {k: one.item.waveform for k, one in enumerate(asked) if one.item.waveform is not UNSET}
        windows = windows_from_rows(rows, _nominals(asked, rows), captures)
        matrix, broken = _matrix(windows, asked, to_run)
        for served, places in to_run.items():
            _run(served, _unbroken(served, places, broken, results) if broken else places, matrix, results)
    return results


def _nominals(asked: Sequence[Asked], rows: Rows) -> list[PointNominals]:
    """Nominals of each item's point at its last reading."""
    if all(one.site.zone is None for one in asked):
        return [one.site.nominals for one in asked]
    last = rows.t[rows.starts[1:] - 1].tolist()
    return [one.site.nominals_at(t) for one, t in zip(asked, last, strict=True)]


def _sift(plan: Plan, one: Asked) -> Sifted:
    """What is known of an item without its features."""
    item = one.item
    if item.context is not UNSET or item.load_history is not UNSET or item.waveform is not UNSET:
        found = _sift_models(plan, item, len(item.readings), bare=False)
    else:
        readings = len(item.readings)
        key = min(readings, plan.readings)
        if key not in plan.bare:
            plan.bare[key] = _sift_models(plan, item, readings, bare=True)
        found = plan.bare[key]
    if one.models is None:
        return found
    wanted = one.models
    return Sifted(
        tuple(answer if name in wanted else UNSET for name, answer in zip(NAMES, found.given, strict=True)),
        tuple(served for served in found.run if served.model.spec.model in wanted),
        tuple(served for served in found.abstained if served.model.spec.model in wanted),
    )


def _sift_models(plan: Plan, item: Item, readings: int, *, bare: bool) -> Sifted:
    """What every model says; of a bare item, all that a model requires is missing."""
    given = list(plan.known)
    run, abstained = [], []
    for name in plan.sequences:
        if readings < abstentions.SEQUENCES[name]:
            given[INDEX[name]] = abstentions.not_published(name, readings)
    for served in plan.run:
        model, spec = served.model, served.model.spec
        if readings < spec.minimum_readings:
            answer = abstentions.too_few_readings(spec.model, model.version, spec.minimum_readings, readings)
        elif lacking := spec.requires if bare else abstentions.absent(item, spec.requires):
            answer = abstentions.missing_context(spec.model, model.version, lacking)
        else:
            run.append(served)
            continue
        given[INDEX[spec.model]] = answer
        abstained.append(served)
    return Sifted(tuple(given), tuple(run), tuple(abstained))


def _matrix(
    windows: features.Windows, asked: Sequence[Asked], to_run: Mapping[Served, Sequence[int]]
) -> tuple[FloatArray, Broken]:
    """Features of all items, columns as in `features.ALL_INDEX`, and which of them could not be computed.

    What no model reads of an item is undefined.

    Args:
        windows: Windows of the items.
        asked: The items.
        to_run: Items that each model looks at, ascending.
    """
    matrix = np.empty((len(asked), len(features.ALL_INDEX)))
    matrix[:, : len(features.NAMES)] = features.compute(windows)
    if any(served.model.sequential for served in to_run):
        matrix[:, features.SEQUENCE] = _sequences(windows)
    rows_of: dict[int, Sequence[int]] = {}
    for served, places in to_run.items():
        for group in served.model.context_groups:
            known = rows_of.get(group)
            rows_of[group] = places if known is None else _either(known, places, len(asked))
    if not rows_of:
        return matrix, {}
    return matrix, _fill(matrix[:, features.CONTEXT], [one.item for one in asked], windows, rows_of)


def _fill(
    block: FloatArray, items: Sequence[Item], windows: features.Windows, rows_of: Mapping[int, Sequence[int]]
) -> Broken:
    """Compute the context features; a group that an item breaks takes no other group and no item along."""
    try:
        features.fill_context(block, items, windows, rows_of)
    except Exception:  # noqa: BLE001 - whatever breaks a group is looked for below
        _log.warning("context features broke: computing them one by one")
    else:
        return {}
    broken: Broken = {}
    for group, rows in rows_of.items():
        for row in rows:
            try:
                features.fill_context(block, items, windows, {group: [row]})
            except Exception as error:  # noqa: BLE001 - whatever breaks it, the item is answered
                why = f"its inputs could not be computed: {type(error).__name__}: {error}"
                _log.error("context features of group %d broke: %s", group, why)
                broken[group, row] = why
    return broken


def _unbroken(served: Served, places: list[int], broken: Broken, results: list[Told]) -> list[int]:
    """Items whose features the model can read; the others are told why it failed."""
    model, kept = served.model, []
    for at in places:
        why = next((broken[group, at] for group in model.context_groups if (group, at) in broken), None)
        if why is None:
            kept.append(at)
        else:
            name = model.spec.model
            results[at].answers[INDEX[name]] = abstentions.failed(name, model.version, why)
            served.metrics.failed.inc()
    return kept


def _either(one: Sequence[int], other: Sequence[int], most: int) -> Sequence[int]:
    """Items of either list, ascending."""
    if len(one) == most or one == other:
        return one
    return sorted({*one, *other})


def _sequences(windows: features.Windows) -> FloatArray:
    """Features of the windows' frequency as sequences; an invalid reading is missing, [n, 80]."""
    f_hz = windows.channel("f")
    if np.count_nonzero(windows.quality):
        f_hz = np.where(windows.quality.T == INVALID, np.nan, f_hz)
    return sequence(f_hz, windows.f_nom_hz)


def _run(served: Served, places: list[int], matrix: FloatArray, results: list[Told]) -> None:
    """Ask one model about the items at `places` and write its answers into `results`."""
    if not places:
        return
    model, spec = served.model, served.model.spec
    index = INDEX[spec.model]
    inputs: FloatArray = (matrix if len(places) == len(matrix) else matrix[places]).take(
        model.columns, axis=1
    )
    missing = np.isnan(inputs)
    if np.count_nonzero(missing):
        ready = []
        incomplete = (missing & model.required).any(axis=1).tolist()
        without_all = np.asarray(missing[:, model.one_of].all(axis=1)).tolist() if model.one_of.size else ()
        for row, at in enumerate(places):
            if incomplete[row]:
                gone = missing[row] & model.required
                names = tuple(name for name, lost in zip(spec.features, gone, strict=True) if lost)
                results[at].answers[index] = abstentions.missing_input(spec.model, model.version, names)
            elif without_all and without_all[row]:
                results[at].answers[index] = abstentions.missing_all(spec.model, model.version, spec.one_of)
            else:
                ready.append(row)
        if len(ready) < len(places):
            served.metrics.abstained.inc(len(places) - len(ready))
            if not ready:
                return
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
    if broken < len(places):
        served.metrics.ok.inc(len(places) - broken)
    if broken:
        served.metrics.failed.inc(broken)
    served.metrics.note(inputs, answers)
