"""A substation's own model, killed with SIGKILL while it is tuned and started again."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import msgspec
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from models import registry, training
from switchyard.home import Home
from switchyard.profiles import Profile

NAME, SITE = "phase_imbalance", "delhi"
TRIALS, MORE, KEPT = 40, 42, 2
WAIT_S = 200.0

TRAIN = """
import sys, msgspec
from pathlib import Path
from models import training
from switchyard.home import Home
from switchyard.profiles import Profile
name, site, root, data, profile, key, study = sys.argv[1:]
training.train(
    name, msgspec.json.decode(profile, type=Profile), Home(Path(root)), {site: Path(data)}, key,
    substation=site, study=study,
)
"""


def asked_for(profile: Profile, trials: int) -> Profile:
    """The profile with as many trials, each as small as it may be."""
    tuning = msgspec.structs.replace(profile.tuning, trials={NAME: trials}, max_rows=300)
    return msgspec.structs.replace(profile, tuning=tuning)


def trial_runs(home: Home) -> dict[str, int]:
    """Start of every finished trial's run, by the run's identifier."""
    if not home.mlflow_db.exists():
        return {}
    with closing(sqlite3.connect(home.mlflow_db, timeout=30)) as store:
        try:
            found = store.execute(
                "select runs.run_uuid, start_time from runs join tags on tags.run_uuid = runs.run_uuid "
                "where tags.key = 'trial' and status = 'FINISHED'"
            ).fetchall()
        except sqlite3.OperationalError:  # Its tables are being made.
            return {}
    return dict(found)


def finished_trials(home: Home) -> int:
    (journal,) = home.optuna.glob("*.journal")
    storage = JournalStorage(JournalFileBackend(str(journal)))
    trials = optuna.load_study(study_name=None, storage=storage).get_trials()
    return sum(trial.state is optuna.trial.TrialState.COMPLETE for trial in trials)


@pytest.mark.timeout(400)
@pytest.mark.slow
def test_train__killed_while_tuning_and_started_again__keeps_its_trials_and_registers_once(
    profile, folders, tmp_path
):
    home, few = Home(tmp_path / "home"), asked_for(profile, TRIALS)
    key, study = "a" * 64, "b" * 64
    given = [NAME, SITE, str(home.root), str(folders[SITE]), msgspec.json.encode(few).decode(), key, study]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", TRAIN, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + WAIT_S
        while len(trial_runs(home)) < KEPT and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process.poll() is None, process.stdout.read().decode()
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    kept = trial_runs(home)
    assert KEPT <= len(kept) < TRIALS
    assert registry.find(home, f"{NAME}.{SITE}", key) is None

    made = training.train(NAME, few, home, {SITE: folders[SITE]}, key, substation=SITE, study=study)
    assert (made.version.name, made.version.version) == (f"{NAME}.{SITE}", 1)
    runs = trial_runs(home)
    assert len(runs) == TRIALS
    assert kept.items() <= runs.items()
    assert finished_trials(home) == TRIALS

    again = training.train(NAME, few, home, {SITE: folders[SITE]}, key, substation=SITE, study=study)
    assert (again.skipped, again.version) == (True, made.version)

    # Another number of trials is another version, but the same study.
    more = training.train(
        NAME, asked_for(profile, MORE), home, {SITE: folders[SITE]}, "c" * 64, substation=SITE, study=study
    )
    assert (more.version.version, more.version.alias) == (2, "challenger")
    assert finished_trials(home) == MORE
    assert list(registry.champions(home)) == [f"{NAME}.{SITE}"]
