"""The whole way of one model: tables, tuning, fit, evaluation, compilation, registration."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models import card, compilation, metric_names, plots, registry, tracking, tuning
from models.catalogue import definition as defined
from models.evaluation import Answers, ReportRow, answer_all, evaluate, evaluated_rows
from models.footprint import footprint_of
from models.observed_site import UNSERVED
from models.pool import Pool, load
from models.protocol import Definition
from models.reports import Footprint
from models.rows import Rows
from models.splits import TEST, TRAIN, VALIDATION
from models.version_tags import LOCAL, bar_tag, made_from, trained_by
from switchyard.home import Home
from switchyard.identity import generator
from switchyard.log import get_logger
from switchyard.profiles import Profile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = get_logger("models.training")


class TrainResult(msgspec.Struct, frozen=True):
    """Outcome of one training step; JSON-able by `msgspec.to_builtins`.

    Attributes:
        model: Registered name, `<model>` or `<model>.<substation>`.
        version: The registered version; None where it was evaluated only.
        rows: Its rows of the report.
        footprint: What it costs to serve.
        params: Parameters that it was fitted with.
        parity: Largest difference between the compiled and the fitted model.
        seconds: Wall time of each stage.
        skipped: True when the step had registered its version before.
        seed: Seed of the profile; None in what was recorded before it was noted.
        datasets: Digest of each dataset's content, by dataset; empty likewise.
    """

    model: str
    version: registry.RegisteredVersion | None
    rows: tuple[ReportRow, ...]
    footprint: Footprint
    params: dict[str, float | int | str | bool]
    parity: float
    seconds: dict[str, float]
    skipped: bool = False
    seed: int | None = None
    datasets: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A fitted model with its figures.

    Attributes:
        fitted: The fitted and calibrated model.
        answers: Its answers and its opponents' on the evaluated rows.
        rows: Rows of the report.
    """

    fitted: Any
    answers: Answers
    rows: list[ReportRow]


def train(
    name: str,
    profile: Profile,
    home: Home,
    datasets: Mapping[str, Path],
    step_key: str,
    *,
    tags: Mapping[str, str] | None = None,
    register: bool = True,
    substation: str | None = None,
    study: str | None = None,
    algorithm: str = "",
    rows: Callable[[Definition[Any], Profile], Pool] | None = None,
    watch: Callable[[Definition[Any], Any, Pool], None] | None = None,
) -> TrainResult:
    """Train the model `name` on pooled rows and register it, unless this step has registered it before.

    With `substation` it learns from that one alone, is judged on its own test episodes and on the held-out
    substations, and is registered as `<model>.<substation>`: neither an alias nor a version of the pooled
    name changes.

    Args:
        name: Model of the catalogue.
        profile: Says which substations train, the trials and folds, and when the campaign began.
        home: The installation's folders.
        datasets: Folder of each substation's contracted dataset, by substation.
        step_key: Key of the training step.
        tags: Further tags of the version.
        register: False gives an evaluation figure only (pooling forbidden): nothing enters the registry.
        substation: The only one to learn from; None for all training substations of the profile.
        study: Key of the search for parameters, the same for any number of trials; the step's key by default.
        algorithm: Another algorithm of the model than its first; see `models.catalogue.ALGORITHMS`.
        rows: Gives the rows for a definition and a profile; those of the datasets by default.
        watch: Shown the definition, the fitted model and the rows when everything is done.

    Raises:
        DataError: A dataset is missing, or a split has no usable window.
        ParityError: The compiled model does not answer as the fitted one; nothing is registered.
    """
    declared = defined(name, algorithm)
    registered = name if substation is None else f"{name}.{substation}"
    profile = profile if substation is None else profile.only(substation)
    study = study or step_key
    draw = f"{profile.seed}.{registered}"
    done = registry.find(home, registered, step_key) if register else None
    if done is not None:
        return _found(home, done)
    clock = _Clock()
    pool = load(declared, profile, datasets) if rows is None else rows(declared, profile)
    all_tags = {**trained_by(profile, name, substation), **made_from(declared, pool, step_key)}
    if pool.offer is not None and pool.offer.refusal:
        all_tags[UNSERVED] = pool.offer.refusal
    all_tags |= tags or {}
    store = tracking.connect(home)
    role = "train" if substation is None else f"{LOCAL}.{substation}"
    run_id = tracking.parent_run(store, name, step_key, role, all_tags)
    clock.lap("load")
    runs = tracking.TrialRuns(store, name, run_id, declared.headline)
    tuned = tuning.tune(
        declared,
        pool.split(TRAIN),
        home=home,
        key=study,
        draw=draw,
        trials=profile.tuning.trials[name],
        fold_count=profile.tuning.folds,
        most=profile.tuning.max_rows,
        report=runs.write,
    )
    clock.lap("tune")
    seed = tuning.seed_of(draw, "fit")
    params = declared.scaled(tuned.params, tuned.rows, len(pool.split(TRAIN)))
    uncalibrated = declared.fit(pool.split(TRAIN), params, seed)
    fitted = declared.calibrate(uncalibrated, pool.split(VALIDATION))
    clock.lap("fit")
    evaluated = _named(assess(declared, fitted, profile, pool), registered)
    all_tags["bar"] = bar_tag(evaluated.rows)
    clock.lap("evaluate")
    with _workspace(home, f"{registered}-{step_key[:16]}") as work:
        compiled = work / registry.COMPILED
        parity = compilation.compile_into(
            declared, fitted, pool.split(TEST), compiled, pool.split(TRAIN), offer=pool.offer
        )
        result = TrainResult(
            model=registered,
            version=None,
            rows=tuple(evaluated.rows),
            footprint=msgspec.structs.replace(
                footprint_of(declared, compiled, pool, fitted), model=registered
            ),
            params=params,
            parity=parity.largest,
            seconds=clock.laps,
            seed=profile.seed,
            datasets=pool.digests,
        )
        clock.lap("compile")
        written = card.write(declared, evaluated.rows, all_tags, params)
        tracking.log_figures(
            store,
            run_id,
            {**metric_names.report(evaluated.rows), **metric_names.cost(result.footprint, clock.laps)},
            {**params, "trials": len(tuned.trials), "tuning_rows": tuned.rows},
        )
        _log_datasets(store, run_id, profile, pool)
        # No parameter: comparisons draw an axis for each, and this one says nothing.
        tracking.describe_run(store, run_id, written, {"bar": all_tags["bar"], "seed": str(seed)})
        for path in plots.save_all(
            _figures(declared, evaluated, pool, tuned, uncalibrated=uncalibrated, seed=seed), work / "plots"
        ):
            store.client.log_artifact(run_id, str(path), "plots")
        clock.lap("plot")
        if register:
            package = registry.Package(
                definition=declared,
                fitted=fitted,
                compiled=compiled,
                example=pool.split(TEST),
                report=msgspec.to_builtins(result),
                card=written,
            )
            made = registry.register(home, package, registered=registered, run_id=run_id, tags=all_tags)
            result = _versioned(result, made)
        clock.lap("register")
    tracking.finish(store, run_id)
    if watch is not None:
        watch(declared, fitted, pool)
    _log.info("%s: %s", registered, ", ".join(f"{stage} {took:.1f} s" for stage, took in clock.laps.items()))
    return msgspec.structs.replace(result, seconds=clock.laps)


def _named(evaluated: Evaluated, registered: str) -> Evaluated:
    """The same figures under the registered name."""
    return replace(evaluated, rows=[msgspec.structs.replace(row, model=registered) for row in evaluated.rows])


def _log_datasets(store: tracking.Store, run_id: str, profile: Profile, pool: Pool) -> None:
    """Name the datasets that were learnt from, and those that the model was only judged on."""
    rows: dict[str, int] = {}
    for part in (pool.training, *(() if pool.held_out is None else (pool.held_out,))):
        names, counts = np.unique(part.substation.array(), return_counts=True)
        rows |= {profile.dataset(str(name)): int(count) for name, count in zip(names, counts, strict=True)}
    for context, of in (("training", profile.training), ("evaluation", profile.held_out)):
        named = {profile.dataset(name): pool.digests[profile.dataset(name)] for name in of}
        tracking.log_datasets(store, run_id, named, context, rows)


@contextmanager
def _workspace(home: Home, name: str) -> Iterator[Path]:
    """An empty folder in the home that is gone afterwards."""
    work = home.root / "tmp" / name
    shutil.rmtree(work, ignore_errors=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def assess(declared: Definition[Any], fitted: Any, profile: Profile, pool: Pool) -> Evaluated:
    """Figures of a fitted model on the test episodes and on the held-out substations."""
    rows = evaluated_rows(pool.training, pool.held_out)
    answers = answer_all(declared, fitted, pool.training, rows)
    return Evaluated(fitted, answers, evaluate(declared, profile.name, answers, profile.training))


def _figures(
    declared: Definition[Any],
    evaluated: Evaluated,
    pool: Pool,
    tuned: tuning.Tuned,
    *,
    uncalibrated: Any,
    seed: int,
) -> Iterator[tuple[str, Figure]]:
    rng = generator(declared.name, "plots")
    validation = pool.split(VALIDATION)
    yield from plots.study_figures(tuned)
    tested = evaluated.answers.of(pool.training.substation.texts)
    yield from plots.answer_figures(declared, tested)
    yield from declared.figures(tested)
    yield from declared.fit_figures(evaluated.fitted)
    mattered = plots.importance(declared, evaluated.fitted, validation, rng)
    yield (
        "feature_importance",
        plots.bars(list(mattered), list(mattered.values()), "Fall of the score when shuffled", "fall"),
    )

    def fit(rows: Rows) -> Any:
        return declared.fit(rows, declared.scaled(tuned.params, tuned.rows, len(rows)), seed)

    yield (
        "learning_curve",
        plots.learning_curve(declared, fit, pool.split(TRAIN), validation, rng, whole=uncalibrated),
    )


def _versioned(result: TrainResult, made: registry.RegisteredVersion) -> TrainResult:
    return msgspec.structs.replace(
        result, version=made, footprint=msgspec.structs.replace(result.footprint, version=made.version)
    )


def _found(home: Home, done: registry.RegisteredVersion) -> TrainResult:
    """The result that was registered with a version; its run is marked finished if its maker could not."""
    _log.info("%s: version %d was registered by this step before", done.name, done.version)
    result = msgspec.convert(registry.report_of(home, done), TrainResult)
    tracking.finish(tracking.connect(home), done.run_id)
    return msgspec.structs.replace(_versioned(result, done), skipped=True)


class _Clock:
    """Wall time between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        """Note the time since the last lap."""
        now = time.monotonic()
        self.laps[stage] = round(now - self._last, 2)
        self._last = now
