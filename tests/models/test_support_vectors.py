"""Support vectors as plain arrays answer as the library that found them, and so does their graph."""

import numpy as np
import pytest

from models import support_vectors
from models.errors import ModelError
from models.graphs import INPUT, Graph
from models.runtime import CompiledModel
from models.support_vectors import MOST_VECTORS, Machine, standardised


@pytest.fixture
def inputs(rng):
    return rng.normal([3.0, -200.0, 0.01], [1.0, 50.0, 0.002], (400, 3))


@pytest.fixture
def machine(inputs, rng):
    y = np.sin(inputs[:, 0]) + inputs[:, 1] / 100.0 + rng.normal(0, 0.05, len(inputs))
    return support_vectors.fit(inputs, y, C=10.0, gamma=0.3, epsilon=0.1)


@pytest.fixture
def compiled(machine):
    graph = Graph()
    onnx = graph.finish("machine", 3, machine.add_to(graph, INPUT, "y"), 1, double=True)
    return CompiledModel(onnx)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_predict__fitted_machine__is_the_librarys_answer(machine, inputs):
    native = machine.native.predict(machine.scaled(inputs))

    np.testing.assert_allclose(machine.predict(inputs), native, rtol=0, atol=1e-10)
    assert 0 < len(machine.weights) < len(inputs)


def test_predict__one_vector__is_the_formula():
    one = Machine(np.array([1.0]), np.array([2.0]), np.array([[0.5]]), np.array([3.0]), -1.0, 0.7)

    assert one.predict(np.array([[4.0]]))[0] == pytest.approx(3.0 * np.exp(-0.7 * 1.0**2) - 1.0)


def test_predict__more_rows_than_a_chunk__the_same_as_one_at_a_time(machine, inputs):
    many = np.tile(inputs, (6, 1))

    np.testing.assert_allclose(machine.predict(many)[:400], machine.predict(inputs), rtol=1e-12)


def test_compiled__any_rows__answers_as_the_arrays(machine, compiled, inputs):
    np.testing.assert_allclose(compiled(inputs)[:, 0], machine.predict(inputs), rtol=0, atol=1e-10)


def test_compiled__missing_input__counts_as_its_mean(machine, compiled, inputs):
    holed, filled = inputs.copy(), inputs.copy()
    holed[::3, 1], filled[::3, 1] = np.nan, machine.centre[1]

    np.testing.assert_allclose(compiled(holed)[:, 0], machine.predict(filled), rtol=0, atol=1e-10)
    np.testing.assert_allclose(machine.predict(holed), machine.predict(filled), rtol=0, atol=1e-12)


def test_fit__missing_inputs__are_left_out_of_mean_and_deviation(inputs):
    holed = inputs.copy()
    holed[:200, 2] = np.nan

    found = support_vectors.fit(holed, inputs[:, 0], C=1.0, gamma=0.3, epsilon=0.1)

    assert found.centre[2] == pytest.approx(inputs[200:, 2].mean())
    assert found.scale[2] == pytest.approx(inputs[200:, 2].std())


def test_fit__column_that_never_moves__does_not_divide_by_nothing(inputs):
    still = np.column_stack([inputs, np.full(len(inputs), 7.0)])

    found = support_vectors.fit(still, inputs[:, 0], C=1.0, gamma=0.3, epsilon=0.1)

    assert found.scale[3] == 1.0
    assert np.isfinite(found.predict(still)).all()


def test_standardised__missing__is_zero():
    found = standardised(np.array([[np.nan, 4.0]]), np.array([1.0, 2.0]), np.array([1.0, 4.0]))

    np.testing.assert_array_equal(found, [[0.0, 0.5]])


def test_machine__more_vectors_than_may_be_compiled__is_refused():
    many = MOST_VECTORS + 1

    with pytest.raises(ModelError, match=str(many)):
        Machine(np.zeros(1), np.ones(1), np.zeros((many, 1)), np.zeros(many), 0.0, 1.0)
