"""Every registered version looks alike in MLflow: tags, metrics, inputs, signature, card, plots."""

from pathlib import Path

import pytest

from models import card, metric_names, registry, tracking, training
from models.catalogue import NAMES, definition
from models.evaluation import ALL, HELD_OUT, TRAINING, ReportRow

STEP = "6" * 64
LOCAL = "phase_imbalance.delhi"
VERSIONS = (*NAMES, LOCAL)

TAGS = {
    "step_key", "dataset_digest", "circuit_digest", "catalogue_digest", "contract_version", "code_digest",
    "declaration", "trained_by", "bar", "claim", "contributors", "n_total", "profile", "trials",
}  # fmt: skip
PLOTS = {"optuna_history", "feature_importance", "learning_curve"}
ALONE = {
    "frequency_stability": {"error_after_onset", "onset_scatter", "loss"},
    "harmonic_analysis": {"thd_residuals", "thd_scatter", "confusion"},
    "phase_imbalance": {"confusion", "reliability"},
    "voltage_anomaly": {"roc", "precision_recall", "recall_by_kind_and_severity"},
}
"""What models draw that say so by other means than `shown`."""


@pytest.fixture(scope="module")
def versions(trained, campaign, profile, folders):
    """Results by registered name, a substation's own among them."""
    own = training.train("phase_imbalance", profile, campaign, folders, STEP, substation="delhi")
    return {**trained, LOCAL: own}


@pytest.fixture(scope="module")
def client(versions, campaign):
    assert versions
    return tracking.connect(campaign).client


@pytest.mark.parametrize("name", VERSIONS)
def test_version__tags__alike(versions, client, name):
    made = client.get_model_version(name, str(versions[name].version.version))
    assert set(made.tags) >= TAGS
    assert made.tags["bar"] in {"met", "missed"}
    assert made.tags["trained_by"] == ("local" if name == LOCAL else "pooled")
    assert made.tags["contributors"] == ("delhi" if name == LOCAL else "delhi,mumbai")
    assert made.tags.get("substation") == ("delhi" if name == LOCAL else None)
    assert int(made.tags["n_total"]) == versions[name].footprint.rows_trained
    run = client.get_run(made.run_id)
    assert run.data.tags["bar"] == made.tags["bar"]
    assert run.data.tags["mlflow.source.name"] == "switchyard train"
    assert run.data.tags[tracking.NOTE] == made.description


@pytest.mark.parametrize("name", VERSIONS)
def test_version__metrics__of_one_grammar_and_none_of_the_report_missing(versions, client, name):
    result = versions[name]
    metrics = client.get_run(result.version.run_id).data.metrics
    strange = [key for key in metrics if not metric_names.GRAMMAR.fullmatch(key)]
    assert strange == []
    assert len({key.lower() for key in metrics}) == len(metrics)
    for row in result.rows:
        if row.value is not None:
            assert metrics[metric_names.name_of(row)] == row.value
    wanted = {
        "cost/compiled_kib",
        "cost/one_row_us",
        "cost/rows_trained",
        "tuning/best_score",
        "time_s/tune",
    }
    assert wanted <= set(metrics)
    headline = f"test/{definition(name.partition('.')[0]).headline}"
    assert {headline, f"{headline}.low", f"{headline}.high"} <= set(metrics)


@pytest.mark.parametrize("name", VERSIONS)
def test_version__run__has_inputs_parameters_and_trials_alike(versions, client, profile, name):
    result = versions[name]
    run = client.get_run(result.version.run_id)
    assert {*result.params, "trials", "tuning_rows"} <= set(run.data.params)
    assert run.data.tags["seed"].isdecimal()
    inputs = {part.dataset.name: part for part in run.inputs.dataset_inputs}
    assert set(inputs) == ({"tiny.delhi"} if name == LOCAL else {"tiny.delhi", "tiny.mumbai"})
    for part in inputs.values():
        assert part.dataset.digest
        assert "num_rows" in part.dataset.profile
        assert [tag.value for tag in part.tags] == ["training"]
    trials = client.search_runs(
        [run.info.experiment_id], f"tags.`{tracking.PARENT}` = '{run.info.run_id}'", max_results=50
    )
    base = name.partition(".")[0]
    assert len(trials) == profile.tuning.trials[base]
    for trial in trials:
        assert {"tuning/score", "tuning/fold_score", "tuning/time_s"} == set(trial.data.metrics)
        assert trial.data.tags["headline"] == definition(base).headline
        assert set(trial.data.params) == set(definition(base).defaults)
    course = client.get_metric_history(run.info.run_id, "tuning/best_score")
    assert [point.value for point in sorted(course, key=lambda point: point.step)] == sorted(
        point.value for point in course
    )


@pytest.mark.parametrize("name", VERSIONS)
def test_version__files__signature_example_and_compiled_form(versions, client, name):
    model = client.get_logged_model(versions[name].version.model_id)
    folder = Path(model.artifact_location.removeprefix("file://"))
    import mlflow

    record = mlflow.models.Model.load(str(folder))
    assert record.signature is not None
    assert record.signature.inputs is not None
    assert record.signature.outputs is not None
    assert record.saved_input_example_info is not None
    assert (folder / record.saved_input_example_info["artifact_path"]).is_file()
    assert (folder / "compiled" / "model.onnx").is_file()
    assert (folder / "report" / "report.json").is_file()


@pytest.mark.parametrize("name", VERSIONS)
def test_version__card__has_every_section_and_the_opponents(versions, client, name):
    made = client.get_model_version(name, str(versions[name].version.version))
    told = made.description
    first, _, rest = told.partition("\n")
    assert rest.startswith(f"\n# {name}\n")
    assert first.startswith(("Pooled (", "Local ("))
    assert f"bars {made.tags['bar']}" in first
    assert [line[3:] for line in told.splitlines() if line.startswith("## ")] == list(card.SECTIONS)
    declared = definition(name.partition(".")[0])
    assert declared.limits in told
    for row in versions[name].rows:
        if row.met is not None and not declared.metric(row.metric).detail:
            assert f"| {row.metric} " in told
            assert row.opponent is None or f"({row.opponent})" in told
    whole = client.get_registered_model(name)
    assert whole.description.startswith(declared.title)
    assert whole.tags["module"] == declared.module


@pytest.mark.parametrize("name", VERSIONS)
def test_version__plots__that_apply_are_there(versions, client, name):
    version = versions[name].version
    plots = {Path(file.path).stem for file in client.list_artifacts(version.run_id, "plots")}
    base = name.partition(".")[0]
    declared = definition(base)
    wanted = set(PLOTS) | ALONE.get(base, set())
    for shown in declared.shown:
        chance = {"roc", "precision_recall", "reliability"}
        wanted |= chance if shown.kind == "chance" else {f"residuals_{shown.estimate}"}
    if declared.target.classes:
        wanted.add("confusion")
    assert wanted <= plots


@pytest.mark.parametrize("name", NAMES)
def test_experiment__of_a_model__says_what_it_is(versions, client, name):
    assert versions
    tags = client.get_experiment_by_name(name).tags
    assert definition(name).title in tags[tracking.NOTE]
    assert tags[tracking.KIND] == tracking.CUSTOM_MODELS


def test_train__of_one_substation__leaves_the_pooled_name_alone(versions, campaign, client):
    assert versions[LOCAL].version.alias == "champion"
    pooled = registry.champions(campaign)["phase_imbalance"]
    assert (pooled.version, pooled.tags["trained_by"]) == (1, "pooled")
    assert len(client.search_model_versions("name = 'phase_imbalance'")) == 1
    assert {row.model for row in versions[LOCAL].rows} == {LOCAL}
    assert versions[LOCAL].footprint.model == LOCAL


def test_train__of_one_substation__is_judged_on_its_own_test_episodes_and_the_held_out(
    campaign, profile, folders
):
    import msgspec

    split = msgspec.structs.replace(profile, training=("mumbai",), held_out=("delhi",))
    found = training.train(
        "phase_imbalance", split, campaign, folders, "7" * 64, register=False, substation="mumbai"
    )
    by = {row.substation for row in found.rows}
    assert by == {TRAINING, HELD_OUT, "mumbai", "delhi"}
    own = {row.metric: row.value for row in found.rows if row.substation == TRAINING and row.slice == ALL}
    alone = {row.metric: row.value for row in found.rows if row.substation == "mumbai" and row.slice == ALL}
    assert own["accuracy"] == alone["accuracy"]
    client = tracking.connect(campaign).client
    of = client.get_experiment_by_name("phase_imbalance").experiment_id
    (run,) = client.search_runs([of], f"tags.step_key = '{'7' * 64}'")
    contexts = {part.dataset.name: part.tags[0].value for part in run.inputs.dataset_inputs}
    assert contexts == {"tiny.mumbai": "training", "tiny.delhi": "evaluation"}
    assert run.data.tags["role"] == "local.mumbai"
    assert {"test/accuracy", "held_out/accuracy", "held_out/accuracy.low"} <= set(run.data.metrics)


@pytest.mark.parametrize(
    ("substation", "kind", "name"),
    [
        (TRAINING, ALL, "test/gain"),
        (HELD_OUT, ALL, "held_out/gain"),
        (TRAINING, "400 kV", "within_kind/gain.400 kV"),
        (HELD_OUT, "fault", "within_kind_held_out/gain.fault"),
        ("delhi", ALL, "within_substation/gain.delhi"),
        ("delhi", "sag, deep", "within_substation_and_kind/gain.delhi.sag_ deep"),
    ],
)
def test_name_of__a_row__a_name_that_mlflow_takes(substation, kind, name):
    row = ReportRow("m", "tiny", substation, kind, "gain", "higher", 0.5)
    assert metric_names.name_of(row) == name
    assert metric_names.GRAMMAR.fullmatch(name)
