from __future__ import annotations

import msgspec
import numpy as np
import pytest

from federation.comparison import FederationRow, defined, mean, some_episodes
from models.rows import Names, Rows

ROW = FederationRow(
    model="m",
    family="decision_tree",
    claim="exact",
    metric="macro_f1",
    direction="higher",
    central=0.9,
    federated=0.9,
    fine_tuned=None,
    local_only=0.8,
    held_out_federated=None,
    held_out_local_only=None,
    bytes_per_round=10,
    rounds=3,
)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, True),
        ({"federated": 0.9 + 8e-7}, True),
        ({"federated": 0.9 - 2e-6}, False),
        ({"federated": 0.9 + 2e-6}, False),
        ({"claim": "surrogate", "federated": 0.9 - 8e-7}, True),
        ({"claim": "surrogate", "federated": 0.9 - 2e-6}, False),
        ({"claim": "approximate", "federated": 0.883}, True),
        ({"claim": "approximate", "federated": 0.881}, False),
        ({"claim": "approximate", "federated": 0.95}, True),
        ({"claim": "approximate", "direction": "lower", "federated": 0.918}, True),
        ({"claim": "approximate", "direction": "lower", "federated": 0.919}, False),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.874}, True),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.872}, False),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.88, "fine_tuned": 0.892}, True),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.88, "fine_tuned": 0.89}, False),
        ({"federated": None}, False),
        ({"central": None}, False),
    ],
)
def test_met__claims__hold_to_their_bars(changes, met):
    assert msgspec.structs.replace(ROW, **changes).met is met


def test_mean__a_figure_missing__is_not_defined():
    assert mean([0.5, 0.7]) == pytest.approx(0.6)
    assert mean([0.5, None]) is None
    assert mean([]) is None


def test_defined__nan__is_null():
    assert defined(float("nan")) is None
    assert defined(0.25) == 0.25


def rows(episode_lengths):
    """Rows of some episodes, in turn."""
    episode = np.repeat([f"e{k}" for k in range(len(episode_lengths))], episode_lengths)
    n = len(episode)
    same = Names.of(np.full(n, "x"))
    return Rows(
        columns=("a",),
        X=np.zeros((n, 1)),
        truth={"truth": np.arange(n)},
        substation=same,
        episode=Names.of(episode),
        kind=same,
        point=same,
        point_kind=same,
        t=np.arange(n).astype("datetime64[ms]"),
        split=np.zeros(n, dtype=np.int8),
    )


def test_some_episodes__more_rows_than_compared__whole_episodes_and_the_same_again():
    every = rows([7, 3, 9, 5, 4, 6, 2, 8] * 10)

    found = some_episodes(every, "delhi", most=100)

    assert 90 < len(found) <= 100
    for name in set(found.episode.array()):
        assert (found.episode.array() == name).sum() == (every.episode.array() == name).sum()
    assert (some_episodes(every, "delhi", most=100).truth["truth"] == found.truth["truth"]).all()
    assert some_episodes(every, "delhi", most=1000) is every


def test_some_episodes__one_episode_is_more_than_all__is_taken():
    assert len(some_episodes(rows([50, 50]), "delhi", most=10)) == 50
