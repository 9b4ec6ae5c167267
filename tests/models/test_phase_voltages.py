"""The algorithms that read phase voltages alone, on simulated rows and on measured readings."""

import json

import numpy as np
import pytest

from features import ALL_INDEX
from features.catalogue import CATALOGUE, INDEX
from models import compilation, observed_training
from models.catalogue import definition
from models.evaluation import MODEL, TREE3, answer_all
from models.pool import load
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.home import Home
from tests.models.measured_readings import of_lines, of_phases, split_of, voltages, write

NAMES = ("voltage_anomaly", "phase_imbalance")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Rows of measured datasets by model: a quiet plant, and a busbar with unbalance and line voltages."""
    home = Home(tmp_path_factory.mktemp("measured"))
    v, line = voltages(seed=1, negative=0.08)
    datasets = (
        write(home, "plant", of_phases(voltages()[0])),
        write(home, "lines", {**of_phases(v), **of_lines(line)}),
    )
    return {
        name: definition(name, "phase_voltages").observed_rows(dataset, split_of(dataset)).rows
        for name, dataset in zip(NAMES, datasets, strict=True)
    }


def part(rows, split):
    return rows.select(rows.split == split)


def fit(declared, rows):
    fitted = declared.fit(part(rows, TRAIN), declared.defaults, 3)
    return declared.calibrate(fitted, part(rows, VALIDATION))


@pytest.mark.parametrize("name", NAMES)
def test_declaration__beside_the_first__reads_less_and_answers_the_same(name):
    first, other = definition(name), definition(name, "phase_voltages")
    assert set(other.features) < set(first.features)
    assert {need for one in other.columns for need in CATALOGUE[INDEX[one]].needs} == {"v"}
    assert set(other.columns) <= set(ALL_INDEX)
    assert other.outputs == first.outputs
    assert (other.name, other.variant) == (name, "phase_voltages")
    metrics = {metric.name for metric in other.metrics}
    assert {bar.metric for bar in other.bars} <= metrics
    assert all(bar.rivals <= {*other.opponents, TREE3} for bar in other.bars)
    assert set(other.plain.rivals) == set(other.opponents)


@pytest.mark.parametrize("name", NAMES)
def test_version__of_simulated_rows__answers_compiled_as_fitted(name, profile, folders, tmp_path):
    declared = definition(name, "phase_voltages")
    rows = load(declared, profile, folders).training
    parity = compilation.compile_into(
        declared, fit(declared, rows), part(rows, TEST), tmp_path, part(rows, TRAIN)
    )
    assert parity.flips == 0
    spec = json.loads((tmp_path / compilation.SPEC_FILE).read_text())
    assert spec["features"] == list(declared.features)


@pytest.mark.parametrize("name", NAMES)
def test_version__of_measured_rows__is_compared_as_it_is_served(name, measured):
    declared = definition(name, "phase_voltages")
    rows, fitted = measured[name], fit(declared, measured[name])
    tested = part(rows, TEST)
    compiled = declared.compile(fitted)
    raw = CompiledModel(compiled.onnx)(tested.inputs(declared.features))
    np.testing.assert_allclose(
        raw, declared.raw(fitted, tested.inputs(declared.features)), atol=compilation.TOLERANCE
    )
    served = declared.served(json.loads(json.dumps(compiled.decoder)), raw, tested)
    answers = answer_all(declared, fitted, rows, tested)
    column = "detected" if name == "voltage_anomaly" else "code"
    np.testing.assert_array_equal(served[column], answers.by[MODEL][column])
    found = observed_training.figures(declared, answers, "measured")
    value = {(one.who, one.metric): one.value for one in found}
    assert {who for who, _ in value} >= {MODEL, TREE3, *declared.opponents}
    if name == "voltage_anomaly":
        # Nothing but small noise and a slow wave is normal here.
        assert value[MODEL, "mean_recall"] > value["statutory_limits", "mean_recall"] + 0.3
        assert value[MODEL, "recall_sag_above_5x"] > 0.9
        assert value[MODEL, "false_alarm_rate"] < 0.05
        assert value["statutory_limits", "false_alarm_rate"] == 0.0
        # Exchanged inputs are not planted: nobody has a figure, and none is told.
        assert (MODEL, "recall_swapped_above_5x") not in value
    else:
        # Half of the zero sequence's size is not in PVUR's arithmetic: a tree knows what was usual.
        assert value[MODEL, "accuracy"] > 0.5
        assert ("oracle", "accuracy") not in value
        assert (MODEL, "critical_phase_accuracy") not in value
