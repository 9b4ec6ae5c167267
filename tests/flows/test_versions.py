"""Every version that a whole run registers, pooled, federated or fitted to a site, looks alike in MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import card, metric_names, tracking
from serving.pull import EXPERIMENT

pytestmark = pytest.mark.timeout(1800)

TAGS = {
    "step_key", "dataset_digest", "circuit_digest", "catalogue_digest", "contract_version", "code_digest",
    "declaration", "trained_by", "bar", "claim", "contributors", "n_total",
}  # fmt: skip


def test_versions__of_a_whole_run__have_the_same_tags_metrics_cards_and_signatures(finished: Any) -> None:
    import mlflow

    client = tracking.connect(finished.job.home).client
    versions = client.search_model_versions()
    assert {made.tags["trained_by"] for made in versions} == {"pooled", "federated", "fine_tuned"}
    for made in versions:
        said = f"{made.name} {made.version}"
        assert set(made.tags) >= TAGS, said
        run = client.get_run(made.run_id)
        assert [key for key in run.data.metrics if not metric_names.GRAMMAR.fullmatch(key)] == [], said
        assert run.data.params, said
        assert made.tags["trained_by"] == "fine_tuned" or run.inputs.dataset_inputs, said
        assert [line[3:] for line in made.description.splitlines() if line.startswith("## ")] == list(
            card.SECTIONS
        ), said
        assert client.get_registered_model(made.name).description, said
        model = client.get_logged_model(made.source.removeprefix("models:/"))
        record = mlflow.models.Model.load(str(Path(model.artifact_location.removeprefix("file://"))))
        assert record.signature is not None, said
        assert record.saved_input_example_info is not None, said


def test_experiments__of_a_whole_run__one_a_model_with_a_note(finished: Any) -> None:
    client = tracking.connect(finished.job.home).client
    found = {one.name: one.tags for one in client.search_experiments()}
    assert set(found) == {*finished.job.profile.models, EXPERIMENT}
    assert all(
        tags[tracking.NOTE] and tags[tracking.KIND] == tracking.CUSTOM_MODELS for tags in found.values()
    )
