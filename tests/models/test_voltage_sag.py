"""What is special about forecasts of voltage events: rare rows, competing causes, the oracle."""

from dataclasses import replace

import numpy as np
import pytest

from models.likelihood import log_likelihood
from models.maintenance.voltage_sag import CAUSES, DEFINITION
from models.pool import load
from models.sag_forecast import together
from models.sag_rows import QUIET_EVERY, STEP_S
from models.sag_subsets import QUIET_PER_EVENT
from models.splits import TRAIN

NAME = DEFINITION.name


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


@pytest.fixture(scope="module")
def rows(pool):
    return pool.training


def test_rows__weights__stand_for_every_step_of_every_point(rows, profile):
    weight = np.asarray(rows.truth["weight"])
    for substation in profile.training:
        own = np.asarray(rows.substation.array() == substation)
        points = np.unique(rows.point.array()[own]).size
        steps = (profile.simulation.load_days - 7) * 86_400 / STEP_S
        assert weight[own].sum() == pytest.approx(points * steps, rel=0.02)
        assert set(weight[own]) == {1.0, float(QUIET_EVERY * points)}


def test_rows__first_week__is_left_out_because_its_history_is_not_whole(rows, pool):
    assert rows.t.min() >= rows.t.max() - 33 * 86_400
    assert pool.left_out > 0


def test_rows__events__have_a_cause_and_quiet_steps_none(rows):
    event = np.asarray(rows.truth["event"])
    assert event.any()
    assert set(np.asarray(rows.truth["code"])[event]) <= set(range(len(CAUSES)))
    assert (np.asarray(rows.truth["depth_pct"])[event] > 0).all()
    assert (np.asarray(rows.truth["depth_pct"])[~event] == 0).all()


def test_rows__history__knows_nothing_of_the_step_itself(rows):
    """An event that comes is in the future of its row: a row with an event has not counted it."""
    event = np.asarray(rows.truth["event"])
    assert rows.column("events_10min")[event].mean() < 0.5


def test_gain__constant_rate__is_nothing_and_the_oracles_is_more(rows):
    gain, share = DEFINITION.metric("gain"), DEFINITION.metric("gain_share")
    constant = {"probability": rows.truth["reference"]}
    oracle = DEFINITION.oracle_answer(rows)

    assert gain.of(constant, rows) == pytest.approx(0.0, abs=1e-12)
    assert gain.of(oracle, rows) > 0.0
    assert share.of(oracle, rows) == pytest.approx(1.0)


def test_gain__weights__count_as_copies_of_rows(rows):
    some = rows.select(np.arange(0, len(rows), 7))
    twice = {**some.truth, "weight": 2.0 * np.asarray(some.truth["weight"])}
    answer = {"probability": np.full(len(some), 0.01)}
    gain = DEFINITION.metric("gain")

    assert gain.of(answer, replace(some, truth=twice)) == pytest.approx(gain.of(answer, some))


def test_log_likelihood__certainty__stays_finite():
    assert np.isfinite(log_likelihood(np.array([0.0, 1.0]), np.array([True, False]))).all()


def test_together__causes__compete():
    assert together(np.array([[0.1, 0.2, 0.0]]), 1.0)[0] == pytest.approx(1 - np.exp(-0.3))
    assert together(np.array([[0.9, 0.9, 0.9]]), 5.0)[0] < 1.0 + 1e-12


def test_subset__weights__keep_the_base_rate(rows):
    train = rows.select(rows.split == TRAIN)
    some = DEFINITION.subset(train, 120, np.random.default_rng(0))

    def rate(of):
        weight, event = np.asarray(of.truth["weight"]), np.asarray(of.truth["event"])
        return weight[event].sum() / weight.sum()

    assert np.asarray(some.truth["event"]).sum() == 120 // (1 + QUIET_PER_EVENT)
    assert rate(some) == pytest.approx(rate(train), rel=1e-9)


def test_subset__points_that_see_the_same__are_one_row_that_stands_for_all(rows):
    train = rows.select(rows.split == TRAIN)
    some = DEFINITION.subset(train, 10**6, np.random.default_rng(0))

    def seen(of):
        event = np.asarray(of.truth["event"])
        keys = (of.t, of.substation.codes, of.kind.codes, of.truth["code"])
        return np.stack([np.asarray(key, dtype=float)[event] for key in keys], axis=1)

    assert len(seen(some)) == len(np.unique(seen(train), axis=0)) < len(seen(train))
    weight, event = np.asarray(some.truth["weight"]), np.asarray(some.truth["event"])
    assert weight[event].sum() == pytest.approx(np.asarray(train.truth["event"]).sum())


def test_opponent__empty_group__answers_as_all_together(rows):
    none = replace(rows, X=rows.X.copy())
    none.X[:, rows.columns.index("hour_local")] = 3.5
    night = rows.select(np.floor(rows.column("hour_local")) == 12)
    answer = DEFINITION.opponent("hour", none, none, night)

    assert np.unique(answer["probability"]).size == 1
    assert 0.0 < answer["probability"][0] < 0.1
