from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from federation import plots, telling
from federation.assessment import assess, load
from federation.comparison import SiteFigures
from federation.drift import drift, moments_told
from federation.message import Message
from federation.moments import ColumnMoments
from federation.plans import PLANS, plan
from models.plots import save_all


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(3, 4000, 3)) * [0.01, 2.0, 1.0] + [1.0, 50.0, 0.0]
    X[1, :, 0] += 0.03
    X[2, :, 1] *= 3.0
    return dict(zip(("a", "b", "c"), X, strict=True))


def told(rows: dict[str, np.ndarray]) -> dict[str, ColumnMoments]:
    return {site: ColumnMoments.of(X) for site, X in rows.items()}


def test_drift__normal_sites__is_the_wasserstein_distance_of_standardised_rows(rows):
    found = {one.input: one for one in drift(told(rows), ("u", "v", "w"))}
    pooled = np.concatenate(list(rows.values()))
    unit = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    scaled = {site: (X - pooled.mean(axis=0)) / pooled.std(axis=0) for site, X in rows.items()}
    for at, name in enumerate(("u", "v", "w")):
        for site, Z in scaled.items():
            # Optimal transport in one dimension joins equal quantiles.
            mean, sd = Z[:, at].mean(), Z[:, at].std()
            distance = np.sqrt(np.mean((mean + sd * unit - unit) ** 2))
            assert found[name].distance[site] == pytest.approx(distance, abs=0.01)
            assert found[name].shift[site] == pytest.approx(mean, abs=1e-9)
            assert found[name].spread[site] == pytest.approx(sd, rel=1e-9)


def test_drift__one_site_shifted__is_named_first(rows):
    found = drift(told(rows), ("u", "v", "w"))
    assert [one.input for one in found][-1] == "w"
    assert {found[0].largest[1], found[1].largest[1]} == {"b", "c"}
    assert found[-1].largest[0] < 0.05


def test_drift__column_that_never_moves_or_is_not_measured__is_left_out(rows):
    still = {site: np.column_stack([X, np.full(len(X), 0.1), X[:, 0]]) for site, X in rows.items()}
    still["a"][:, 4] = np.nan
    found = drift(told(still), ("u", "v", "w", "still", "missing"))
    assert {one.input for one in found} == {"u", "v", "w"}
    assert drift({"a": told(rows)["a"]}, ("u", "v", "w")) == ()
    assert drift(told(rows), ()) == ()


def test_moments_told__steps_of_a_sequence__count_as_rows():
    state = Message({"phase": "moments", "settings": {"steps": 10}})
    update = Message({"n": 50}, {"mean": np.zeros(2), "m2": np.diag([500.0, 2000.0])})
    found = moments_told(state, {"a": update})["a"]
    assert found.n.tolist() == [500, 500]
    assert (found.m2 / found.n).tolist() == [1.0, 4.0]
    assert moments_told(Message({"phase": "train"}), {"a": update}) == {}


@pytest.fixture(scope="module")
def judged(make_bench, campaign, tmp_path_factory):
    made = make_bench(tmp_path_factory.mktemp("judged"), "phase_imbalance")
    outcome = made.run()
    return assess(
        made.job, outcome, load(made.job, tuple(sorted(outcome.n))), made.job.plan.fitted(outcome.state)
    )


def test_assess__phase_imbalance__drift_equals_that_of_the_sites_rows(judged, campaign):
    learner = plan("phase_imbalance")
    start = campaign.profile.simulation.start
    rows = {site: learner.load(folder, start)["X"] for site, folder in campaign.sites.items()}
    names = learner.definition.features
    assert {one.input for one in judged.drift} <= set(names)
    again = {one.input: one for one in drift(told(rows), names)}
    for one in judged.drift:
        assert one.distance == pytest.approx(again[one.input].distance, rel=1e-6, abs=1e-9)


def test_plans__inputs__are_the_first_columns_of_the_round_of_moments():
    named = [model for model in PLANS if plan(model).inputs]
    assert len(named) >= 9
    for model in named:
        learner = plan(model)
        settings = learner.settings(learner.definition.defaults, "seed")
        # Rounds of sums may come before it.
        state = learner.family.start(settings, {"a": 100, "b": 100}).with_header(phase="moments")
        expected = learner.family.expects(state, "a", 100)
        (columns,) = expected["raw_mean" if "raw_mean" in expected else "mean"].shape
        # Weights and targets may come after them.
        assert 0 <= columns - len(learner.inputs) <= 3, model


def test_telling__drift__names_the_site_and_the_input(judged):
    first = judged.drift[0]
    told_of = "\n".join(telling.differences(judged))
    assert f"{first.largest[1]} in `{first.input}`" in told_of
    assert "not known" in telling.differences(replace_drift(judged))[0]


def replace_drift(result):
    return msgspec.structs.replace(result, drift=())


def with_sites(result, *sites):
    comparison = msgspec.structs.replace(result.comparison, sites=sites)
    return msgspec.structs.replace(result, comparison=comparison)


def test_telling__gains__says_who_gains_who_loses_and_what_validation_says(judged):
    lines = telling.gains(
        with_sites(
            judged,
            SiteFigures("a", 0.9, 0.9, 0.8),
            SiteFigures("b", 0.9, 0.7, 0.8, 0.75, True),
            SiteFigures("c", 0.9, 0.801, 0.8, 0.7, True),
            SiteFigures("d", 0.9, None, 0.8),
        )
    )
    assert judged.comparison.row.direction == "higher"
    assert lines[0].startswith("- **a** gains by the federation: 0.9 by the global model, 0.8 by its own")
    assert lines[1].startswith("- **b** loses")
    assert "speak for that version." in lines[1]
    assert "Its test episodes do not." not in lines[1]
    assert lines[2].startswith("- **c** neither gains nor loses")
    assert lines[2].endswith("Its test episodes do not.")
    assert "not defined" in lines[3]


def test_plots__of_a_result__are_drawn(judged, tmp_path):
    written = save_all(plots.figures(judged), tmp_path)
    assert [path.name for path in written] == ["sites.png", "drift.png"]
    assert all(path.stat().st_size > 5000 for path in written)
    assert [name for name, _ in plots.figures(replace_drift(judged))] == ["sites"]
