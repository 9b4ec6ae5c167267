"""What is special about `optimal_dispatch`: hours dealt once, margins, figures of the solved power flow."""

import numpy as np
import pytest

from data_contracts.transmission import LINE_NAMES
from models import dispatch_limits, dispatch_rows, resolving
from models.decision.optimal_dispatch import DEFINITION
from models.errors import DataError, ModelError
from models.evaluation import ORACLE, answer_all
from models.pool import load
from models.splits import TEST, TRAIN, VALIDATION


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


@pytest.fixture(scope="module")
def fitted(pool):
    found = DEFINITION.fit(pool.split(TRAIN), DEFINITION.defaults, 1)
    return DEFINITION.calibrate(found, pool.split(VALIDATION))


def test_rows__hours_of_the_grid__are_each_dealt_to_one_substation(pool):
    counted = pool.training.truth["counted"]
    t, place = pool.training.t[counted], pool.training.substation.codes[counted]
    assert np.unique(t).size == t.size
    assert np.bincount(place).min() >= 0.8 * np.bincount(place).max()


def test_rows__further_ones__only_train(pool):
    more = ~pool.training.truth["counted"]
    assert (pool.training.split[more] == TRAIN).all()
    assert more.sum() > 100
    assert np.isnan(pool.split(TEST).truth["loss_mw"]).all()
    assert np.isfinite(pool.split(TRAIN).truth["current_pu"]).all()


def test_fit__watched_lines__are_loaded_ones_with_a_margin(fitted):
    assert "line-b02-b03" in [LINE_NAMES[line] for line in fitted.lines]
    assert min(fitted.margin_pct) > 0.0


def test_calibrate__validation_hours__have_no_watched_line_overloaded(pool, fitted):
    rows = pool.split(VALIDATION)
    p_mw, _, _ = dispatch_limits.outputs(fitted, rows)
    for flow in dispatch_limits.flows(rows, p_mw):
        assert (flow.current_pu[list(fitted.lines)] < 1.0 + 2e-3).all()


def test_answer__cost__is_that_of_the_power_flow_with_the_slacks_own_output(pool, fitted):
    rows = pool.split(TEST)
    answers = answer_all(DEFINITION, fitted, pool.training, rows).by
    model, lossless = answers["model"], answers["lossless"]
    # What losses are misjudged by is left to the slack station: less than half of the lossless dispatch's.
    assert model["slack_mw"].mean() < 0.5 * lossless["slack_mw"].mean()
    assert lossless["feasible"].all()
    assert (answers[ORACLE]["cost"] == rows.truth["optimum_cost"]).all()
    assert model["cost_error_pct"].mean() < lossless["cost_error_pct"].mean()


def test_redispatch__overloaded_dispatch__is_brought_within_limits(pool):
    rows = pool.split(TEST)
    found = dispatch_limits.redispatched(rows)
    for flow in dispatch_limits.flows(rows, found):
        assert flow.feasible


def test_build__table_of_another_grid__is_refused(monkeypatch, profile, folders):
    monkeypatch.setattr(dispatch_rows, "UNITS", dispatch_rows.UNITS[:-1])
    with pytest.raises(DataError, match="another grid"):
        load(DEFINITION, profile, folders)


def test_resolver__none_handed_in__says_so(monkeypatch):
    monkeypatch.setattr(resolving, "_handed_in", [])
    with pytest.raises(ModelError, match="no resolver"):
        resolving.resolver()
