"""Counting what models read and say in the bins of their training."""

import msgspec
import numpy as np
import pytest

from data_contracts.answers import NAMES, fields
from models.watched import FEATURES, MOST_FEATURES, OUTPUTS, figures, output, watched
from serving.drift import HELD_ROWS, Quantity, Tally, Watched


class Answer(msgspec.Struct):
    score: float | None
    level: str | msgspec.UnsetType = msgspec.UNSET


def counting(sizes):
    counts = [[0] * size for size in sizes]

    def adder(row, column):
        def add(amount):
            counts[row][column] += amount

        return add

    return counts, [[adder(k, n) for n in range(size)] for k, size in enumerate(sizes)]


@pytest.fixture
def tally():
    seen = Watched(
        features=(Quantity("b", (0.2, 0.5, 0.3, 0.0), edges=(1.0, 2.0)),),
        outputs=(
            Quantity("score", (0.5, 0.5, 0.0), edges=(0.0,)),
            Quantity("level", (0.5, 0.5, 0.0, 0.0), values=("high", "low")),
        ),
    )
    of_inputs, add_inputs = counting([4])
    of_outputs, add_outputs = counting([3, 4])
    return Tally(seen, ("a", "b"), add_inputs, add_outputs), of_inputs[0], of_outputs


def test_settle__values_on_between_and_beyond_edges__each_in_its_bin(tally):
    counter, inputs, (scores, levels) = tally
    rows = np.array([[9.0, 1.0], [9.0, 1.5], [9.0, 2.0], [9.0, 7.0], [9.0, np.nan]])
    said = [Answer(-1.0, "low"), Answer(0.0, "high"), Answer(0.5, "other"), None, Answer(None)]
    counter.note(rows, said)
    assert inputs == [0, 0, 0, 0]
    counter.settle()
    assert inputs == [1, 2, 1, 1]
    assert scores == [2, 1, 1]
    assert levels == [1, 1, 1, 1]
    counter.settle()
    assert inputs == [1, 2, 1, 1]


def test_note__as_many_rows_as_may_be_held__counted_without_waiting(tally):
    counter, inputs, _ = tally
    for _ in range(HELD_ROWS):
        counter.note(np.array([[0.0, 1.5]]), [Answer(1.0, "low")])
    assert inputs == [0, HELD_ROWS, 0, 0]


def test_quantity__shares_that_are_not_its_bins__refused():
    with pytest.raises(msgspec.ValidationError, match="2 shares for 3 bins"):
        msgspec.convert({"name": "a", "edges": [1.0], "shares": [0.5, 0.5]}, Quantity)


def test_figures__training_rows_against_themselves__deciles_hold_a_tenth_each():
    values = np.append(np.random.default_rng(3).normal(size=5000), [np.nan] * 50)
    told = msgspec.convert(figures("x", values), Quantity)
    assert len(told.edges) == 9
    np.testing.assert_allclose(told.shares[:-1], 0.1, atol=0.002)
    assert told.shares[-1] == pytest.approx(50 / 5050, abs=1e-6)


def test_figures__a_value_that_many_rows_share__its_edge_once_and_shares_true():
    told = msgspec.convert(figures("x", np.array([0.0] * 80 + [1.0] * 20)), Quantity)
    assert told.edges == (0.0, 1.0)
    assert told.shares == (0.8, 0.2, 0.0, 0.0)


def test_output__words_and_truths__as_the_answers_have_them():
    told = msgspec.convert(output("detected", [True, False, False, None]), Quantity)
    assert told.values == ("false", "true")
    assert told.shares == (0.5, 0.25, 0.0, 0.25)


@pytest.mark.parametrize("model", NAMES)
def test_watched__every_model__few_quantities_that_its_answers_have(model):
    assert 1 <= len(FEATURES[model]) <= MOST_FEATURES
    assert set(OUTPUTS[model]) <= {field.name for field in fields(model)}


def test_watched__of_training__read_back_by_the_service():
    names = FEATURES["phase_imbalance"]
    columns = {name: np.arange(100.0) for name in names}
    told = watched("phase_imbalance", columns, [{"imbalance_class": "minor", "confidence": 0.9}])
    read = msgspec.convert(told, Watched)
    assert [one.name for one in read.features] == list(names)
    assert [one.name for one in read.outputs] == ["imbalance_class", "confidence"]
