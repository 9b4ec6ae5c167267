import numpy as np
import pytest

from models import networks
from models.network_graph import sequence_graph
from models.networks import SequenceNet, Widths
from models.runtime import CompiledModel

COLUMNS = 81


@pytest.fixture(scope="module")
def net():
    rng = np.random.default_rng(4)
    weights = tuple(
        (array + rng.normal(0, 0.1, array.shape)).astype(np.float32)
        for array in networks.initial(Widths(), 8, 1)
    )
    return SequenceNet(weights, rng.normal(0, 0.01, 8), rng.uniform(0.01, 0.05, 8), 0.01, 10)


@pytest.fixture(scope="module")
def graph(net):
    return sequence_graph("net", net, COLUMNS, "change_hz")


def test_graph__drawn_rows__answers_as_the_network_in_double_precision(net, graph):
    X = np.random.default_rng(5).normal(0, 0.05, (300, COLUMNS))
    found = CompiledModel(graph)(X)
    assert found.shape == (300, 1)
    np.testing.assert_allclose(found[:, 0], net.predict(X[:, :80]), atol=1e-8)


def test_graph__one_row__is_its_row_of_the_batch(graph):
    model = CompiledModel(graph)
    X = np.random.default_rng(6).normal(0, 0.05, (20, COLUMNS))
    np.testing.assert_array_equal(np.concatenate([model(row[None]) for row in X]), model(X))


def test_graph__full_size__fits_where_it_is_served(graph):
    assert len(graph) < 200_000


def test_graph__columns_behind_the_steps__do_not_matter(graph):
    X = np.random.default_rng(7).normal(0, 0.05, (5, COLUMNS))
    other = X.copy()
    other[:, 80] = 50.0
    model = CompiledModel(graph)
    np.testing.assert_array_equal(model(X), model(other))
