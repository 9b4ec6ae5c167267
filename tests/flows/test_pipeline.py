"""The whole job on real engines, killed while it trained and started again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from data_contracts.dataset import Dataset
from flows.stages import data, learning
from serving.snapshot import current_name, open_snapshot
from switchyard.files import read_json

pytestmark = pytest.mark.timeout(1800)

MODELS = {"phase_imbalance", "voltage_anomaly", "harmonic_analysis", "frequency_stability"}
TOPICS = ("normal", "unbalance", "anomaly", "harmonics")
# What only some requests carry or some episodes can tell: a capture of the waveform, the seconds to come.
ONLY_IN = {"harmonic_analysis": "harmonics", "frequency_stability": "normal"}


def test_pipeline__killed_while_training__no_process_left_behind(finished: Any) -> None:
    assert finished.left == ([], [])


def test_pipeline__started_again__finished_steps_skipped_and_the_rest_done(finished: Any) -> None:
    lines = finished.output
    for step in ("boundary.mini", "simulate.mini.mumbai", "contract.mini.delhi", "features.mini.delhi"):
        assert f"{step}: done before, skipped" in lines
    for step in ("train.mini.phase_imbalance", "federate.mini.voltage_anomaly"):
        assert f"{step}: done in" in lines


def test_pipeline__started_again__each_version_registered_once(finished: Any) -> None:
    with closing(sqlite3.connect(finished.job.home.mlflow_db)) as registry:
        made = registry.execute(
            "select name, value from model_version_tags where key = 'trained_by'"
        ).fetchall()
        versions = registry.execute("select count(*) from model_versions").fetchone()
    tuned = [(f"frequency_stability.{site}", "fine_tuned") for site in ("delhi", "mumbai")]
    assert sorted(made) == sorted(
        [*((name, way) for name in MODELS for way in ("federated", "pooled")), *tuned]
    )
    assert versions == (len(made),)


def test_pipeline__started_again__one_mlflow_run_a_step_and_none_left_running(finished: Any) -> None:
    with closing(sqlite3.connect(finished.job.home.mlflow_db)) as store:
        states = {state for (state,) in store.execute("select status from runs")}
        steps = [value for (value,) in store.execute("select value from tags where key = 'step_key'")]
    assert states == {"FINISHED"}
    # A site's own version has a run of its own below the step that federated its model.
    assert len(steps) == 2 * len(MODELS) + 2
    assert len(set(steps)) == 2 * len(MODELS)


def test_pipeline__killed_run__marked_crashed_in_the_prefect_database(finished: Any) -> None:
    with closing(sqlite3.connect(finished.job.home.prefect / "prefect.db")) as database:
        flows = database.execute("select flow.name, state_name from flow_run join flow on flow.id = flow_id")
        states = set(flows.fetchall())
        tasks = {state for (state,) in database.execute("select state_type from task_run")}
        artifacts = {key for (key,) in database.execute("select key from artifact")}
        logs = database.execute("select count(*) from log where message like '%done before%'").fetchone()
    assert {("pipeline", "Crashed"), ("train", "Crashed"), ("simulate", "Completed")} <= states
    assert ("pipeline", "Completed") in states
    assert tasks == {"COMPLETED", "CRASHED"}
    assert {"contracts", "model-bars", "federation", "snapshot", "answers", "mlflow-training"} <= artifacts
    assert "simulate-mumbai" in artifacts
    assert logs[0] > 0


def test_pipeline__finished__answers_beside_the_truth(finished: Any) -> None:
    answers = read_json(finished.job.home.reports / "answers.json")
    assert {(one["substation"], one["topic"]) for one in answers} == {
        (name, topic) for name in ("mumbai", "delhi") for topic in TOPICS
    }
    for asked in answers:
        assert {found["model"] for found in asked["comparisons"]} == MODELS
        for found in asked["comparisons"]:
            only = ONLY_IN.get(found["model"], asked["topic"])
            if found["model"] == "harmonic_analysis" and only != asked["topic"]:
                assert found["status"] == "abstained", found
                assert "waveform" in found["reason"]
                continue
            assert found["status"] == "ok", found
            assert found["model_version"] == f"{found['model']}:1"
            assert bool(found["truth"]) == (only == asked["topic"])
    told = [
        found["agrees"] for asked in answers for found in asked["comparisons"] if found["agrees"] is not None
    ]
    # The mini profile trains on an hour's worth of windows: most answers are right, not all need be.
    assert sum(told) / len(told) > 0.6
    normal = next(one for one in answers if one["topic"] == "normal")
    assert normal["event"] == "none"
    assert normal["comparisons"][0]["truth"] == {"imbalance_class": "balanced"}
    distorted = next(one for one in answers if one["topic"] == "harmonics")
    assert distorted["thd_pct"] > 0.0


def test_pipeline__finished__snapshot_serves_the_champions(finished: Any) -> None:
    name = current_name(finished.job.home)
    assert name is not None
    snapshot = open_snapshot(finished.job.home, name)
    snapshot.verify()
    assert {(model.registered, model.version) for model in snapshot.manifest.models} == {
        (name, "1") for name in MODELS
    }
    assert set(snapshot.manifest.routes) == {"mumbai", "delhi"}


def test_pipeline__finished__reports_of_every_stage(finished: Any) -> None:
    reports = finished.job.home.reports
    assert {row["model"] for row in read_json(reports / "models.json")} == MODELS
    assert {row["model"] for row in read_json(reports / "federation.json")} == MODELS
    assert {report["dataset"] for report in read_json(reports / "contracts.json")} == {
        "mini.mumbai",
        "mini.delhi",
    }
    for name in ("models.md", "federation.md", "contracts.md", "answers.md"):
        assert (reports / name).stat().st_size > 200


def test_finished__after_a_run__records_of_every_substation_and_model(finished: Any) -> None:
    records = data.finished(finished.job)
    assert records is not None
    assert set(records) == {"mumbai", "delhi"}
    trained = learning.finished(finished.job, records)
    assert trained is not None
    assert set(trained) == MODELS


def test_features__of_a_dataset__a_row_for_every_window(finished: Any) -> None:
    readings = Dataset.open(finished.job.dataset("mumbai")).read("readings", ["scenario_id", "point"])
    episodes, points = (set(readings[name].to_pylist()) for name in ("scenario_id", "point"))
    # A harmonic episode is one window long, the others two.
    windows = sum(1 if ".harmonic." in episode else 2 for episode in episodes)
    records = data.finished(finished.job)
    assert records is not None
    assert records["mumbai"].result["windows"] == windows * len(points)
