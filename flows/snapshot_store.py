"""Published snapshots in MLflow, where replicas fetch them: an archive a run, and which one is served."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models import tracking
from serving.pull import ARCHIVE, CURRENT_RUN, EXPERIMENT, SHA256, SNAPSHOT
from serving.snapshot.archive import pack
from switchyard.digests import sha256_file
from switchyard.home import Home
from switchyard.log import get_logger

if TYPE_CHECKING:
    from models.tracking import Store

NOTE = (
    "Published snapshots of compiled models, one a run: `switchyard publish` writes them, "
    "`switchyard pull` on remote replicas fetches the one that the experiment's tag names."
)

_log = get_logger("flows")


def announce(home: Home, name: str) -> str:
    """Log the archive of snapshot `name` unless it is there, and name it the one to serve.

    The run is whole before the experiment's tag names it, so a replica never reads of half a run.

    Returns:
        Identifier of its run.

    Raises:
        SnapshotError: The snapshot is missing or damaged.
        MlflowException: The store cannot be written.
    """
    store = tracking.connect(home)
    with tracking.locked(home, "snapshots"):
        of = tracking.experiment(store, EXPERIMENT)
        store.client.set_experiment_tag(of, tracking.NOTE, NOTE)
        found = store.client.search_runs(
            [of], f"tags.`{SNAPSHOT}` = '{name}' and attributes.status = 'FINISHED'", max_results=1
        )
        run_id = str(found[0].info.run_id) if found else _log_archive(store, home, of, name)
        store.client.set_experiment_tag(of, CURRENT_RUN, run_id)
    _log.info("replicas are told of snapshot %s", name)
    return run_id


def _log_archive(store: Store, home: Home, experiment: str, name: str) -> str:
    scratch = home.root / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="announce-", dir=scratch))
    try:
        archive = pack(home, name, folder)
        tags = {SNAPSHOT: name, ARCHIVE: archive.name, SHA256: sha256_file(archive)}
        run = store.client.create_run(experiment, tags=tags, run_name=name)
        store.client.log_artifact(run.info.run_id, str(archive))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tracking.finish(store, run.info.run_id)
    return str(run.info.run_id)
