"""The MLflow store: opening it, experiments, runs of a training step and its trials."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from models.tuning import TrialRecord
from switchyard.home import Home

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI_VARIABLE = "SWITCHYARD_MLFLOW_URI"
METRICS_IN_A_BATCH = 900
TEXT_LIMIT = 500
STEP_KEY, ROLE, PARENT = "step_key", "role", "mlflow.parentRunId"
NOTE, KIND, CUSTOM_MODELS = "mlflow.note.content", "mlflow.experimentKind", "custom_model_development"
TRIAL_SCORE, BEST_SCORE = "tuning/score", "tuning/best_score"
DIGEST_LIMIT = 36


@dataclass(frozen=True, slots=True)
class Store:
    """An open tracking and registry store.

    Attributes:
        uri: SQLite file, PostgreSQL database or MLflow server.
        artifacts: Local artifact root; None where a server keeps artifacts.
        client: Client bound to this store.
    """

    uri: str
    artifacts: Path | None
    client: MlflowClient


@contextmanager
def locked(home: Home, name: str) -> Iterator[None]:
    """Hold a lock file in the home; it is released when the process ends, however it ends."""
    home.root.mkdir(parents=True, exist_ok=True)
    with (home.root / f".{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def exists(home: Home) -> bool:
    """Whether there is a store to open; to look for something must not make an empty one."""
    return bool(os.environ.get(URI_VARIABLE)) or home.mlflow_db.exists()


def connect(home: Home) -> Store:
    """Open the store of `home`, or the one that the variable `SWITCHYARD_MLFLOW_URI` names.

    The first touch creates the database's tables; several processes doing so at once would fail, so it is
    done under a lock.
    """
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import logging

    # Creating tables is no news to the reader of a run's output.
    for name in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    import mlflow
    from mlflow import MlflowClient

    uri = os.environ.get(URI_VARIABLE) or home.mlflow_uri
    # Making a version makes MLflow look up its files at the global addresses.
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with locked(home, "mlflow"):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        if not uri.startswith("http"):
            _put_away_default(client)
    return Store(uri, None if uri.startswith("http") else home.artifacts, client)


def _put_away_default(client: MlflowClient) -> None:
    """Delete the experiment `Default` that MLflow makes with its tables, unless somebody uses it.

    It stands first in every list and holds nothing.
    """
    default = client.get_experiment_by_name("Default")
    if default is None or default.lifecycle_stage != "active":
        return
    if not client.search_runs([default.experiment_id], max_results=1):
        client.delete_experiment(default.experiment_id)


def experiment(store: Store, name: str) -> str:
    """Identifier of the experiment `name`, made if it is missing; its note says what the model is."""
    from mlflow.exceptions import MlflowException

    known = store.client.get_experiment_by_name(name)
    tags = _experiment_tags(name)
    if known is not None:
        for key, value in tags.items():
            if known.tags.get(key) != value:
                store.client.set_experiment_tag(known.experiment_id, key, value)
        return str(known.experiment_id)
    place = None if store.artifacts is None else (store.artifacts / name).as_uri()
    try:
        return str(store.client.create_experiment(name, artifact_location=place, tags=tags))
    except MlflowException:
        # Another process made it between the two calls.
        made = store.client.get_experiment_by_name(name)
        if made is None:
            raise
        return str(made.experiment_id)


def _experiment_tags(name: str) -> dict[str, str]:
    """What the UI shows of an experiment, and that its pages are those of trained models."""
    from models import card
    from models.catalogue import NAMES, definition

    if name not in NAMES:
        return {KIND: CUSTOM_MODELS}
    declared = definition(name)
    return {KIND: CUSTOM_MODELS, NOTE: card.summary(declared), "module": declared.module}


def parent_run(store: Store, name: str, step_key: str, role: str, tags: Mapping[str, str]) -> str:
    """Run of the step `step_key` in the experiment `name`: the one left by a killed process, or a new one."""
    of = experiment(store, name)
    found = store.client.search_runs(
        [of], f"tags.{STEP_KEY} = '{step_key}' and tags.{ROLE} = '{role}'", max_results=1
    )
    if found:
        run_id = str(found[0].info.run_id)
        store.client.update_run(run_id, status="RUNNING")
        return run_id
    run = store.client.create_run(
        of,
        tags={**tags, STEP_KEY: step_key, ROLE: role, **_source(role)},
        run_name=_run_name(role, step_key, tags),
    )
    return str(run.info.run_id)


def _run_name(role: str, step_key: str, tags: Mapping[str, str]) -> str:
    """What tells a run from its neighbours in a list: who learnt, its trials, a piece of its key."""
    kind, _, site = role.partition(".")
    words = [tags.get("trained_by", kind), site]
    if "trials" in tags:
        words.append(f"{tags['trials']} trials")
    return " ".join(word for word in (*words, step_key[:4]) if word)


def _source(role: str) -> dict[str, str]:
    """What the UI shows as the source of a run."""
    federated = role.partition(".")[0] in {"federate", "fine_tuned"}
    command = "switchyard federation run" if federated else "switchyard train"
    return {"mlflow.source.name": command, "mlflow.source.type": "LOCAL"}


def finish(store: Store, run_id: str) -> None:
    """Mark a run as finished."""
    store.client.set_terminated(run_id, "FINISHED")


class TrialRuns:
    """Child runs of a parent run, one a trial, and the course of the search in the parent itself.

    Trials that an earlier, killed process wrote whole are left alone.
    """

    def __init__(self, store: Store, name: str, parent: str, metric: str) -> None:
        self._store, self._parent, self._metric = store, parent, metric
        self._experiment = experiment(store, name)
        children = store.client.search_runs(
            [self._experiment], f"tags.`{PARENT}` = '{parent}'", max_results=5000
        )
        self._known = {run.data.tags.get("trial", ""): run for run in children}
        self._best = -np.inf

    def write(self, trial: TrialRecord) -> None:
        """Write the finished child run of a trial."""
        from mlflow.entities import Metric, Param

        client = self._store.client
        self._best = max(self._best, trial.value)
        child = self._known.get(str(trial.number))
        if child is not None and child.info.status == "FINISHED":
            return
        course = [
            Metric(TRIAL_SCORE, trial.value, 0, trial.number),
            Metric(BEST_SCORE, self._best, 0, trial.number),
        ]
        client.log_batch(self._parent, metrics=course)
        run = child or client.create_run(
            self._experiment,
            tags={PARENT: self._parent, "trial": str(trial.number), ROLE: "trial", "headline": self._metric},
            run_name=f"trial-{trial.number:03d}",
        )
        client.log_batch(
            run.info.run_id,
            metrics=[
                Metric(TRIAL_SCORE, trial.value, 0, 0),
                Metric("tuning/time_s", trial.seconds, 0, 0),
                *(Metric("tuning/fold_score", value, 0, fold) for fold, value in enumerate(trial.folds)),
            ],
            params=[Param(key, str(value)) for key, value in trial.params.items()],
        )
        client.set_terminated(run.info.run_id)


def describe_run(store: Store, run_id: str, text: str, tags: Mapping[str, str]) -> None:
    """Give a run a description in Markdown and further tags."""
    for key, value in {**tags, NOTE: text}.items():
        store.client.set_tag(run_id, key, value)


def log_figures(store: Store, run_id: str, metrics: Mapping[str, float], params: Mapping[str, Any]) -> None:
    """Write metrics and parameters in few calls; figures that are not finite are left out."""
    from mlflow.entities import Metric, Param

    written = [Metric(key, float(value), 0, 0) for key, value in metrics.items() if np.isfinite(value)]
    known = set(store.client.get_run(run_id).data.params)
    new = [Param(key, str(value)[:TEXT_LIMIT]) for key, value in params.items() if key not in known]
    for start in range(0, max(len(written), 1), METRICS_IN_A_BATCH):
        store.client.log_batch(
            run_id, metrics=written[start : start + METRICS_IN_A_BATCH], params=new if start == 0 else []
        )


def log_datasets(
    store: Store,
    run_id: str,
    digests: Mapping[str, str],
    context: str,
    rows: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Name the datasets that a run read, each with the digest of its content.

    Args:
        store: The store.
        run_id: The run.
        digests: Digest by dataset.
        context: What they were read for.
        rows: Rows of each dataset that the model can use, where that is known.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=name,
                digest=digest[:DIGEST_LIMIT],
                source_type="local",
                source=json.dumps({"uri": name}),
                profile=json.dumps({"num_rows": rows[name]}) if name in rows else None,
            ),
            [InputTag("mlflow.data.context", context)],
        )
        for name, digest in sorted(digests.items())
    ]
    if inputs:
        store.client.log_inputs(run_id, inputs)
