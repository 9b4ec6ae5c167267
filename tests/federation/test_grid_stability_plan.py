"""`grid_stability` from sums: learners and their weights as of pooled rows, in a compiled version."""

import numpy as np
import pytest

from data_contracts.tables.stability import CLASSES, MARGINS
from federation.plans import plan
from federation.plans.grid_stability import AFTER, CLASS_DRIVERS, DRIVERS, weight_rows
from federation.rounds import fit_here
from models.compilation import TOLERANCE, check_parity
from models.decision.grid_stability import DEFINITION, class_of
from models.rows import Names
from models.runtime import CompiledModel
from models.splits import TRAIN
from tests.federation.made_rows import rows_of

N = 240
FAILURES = tuple(name.removeprefix("score_after_").replace("_", "-") for name in AFTER)


def state_rows(seed, substation):
    """States whose first two margins are screened, and whose third follows the nadir; the least limits."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, len(DEFINITION.features)))
    place = {name: at for at, name in enumerate(DEFINITION.features)}
    screened = rng.uniform(20.0, 140.0, (N, 2)).clip(0.0, 100.0)
    nadir = 49.4 + 0.4 * rng.random(N)
    X[:, place["screened_voltage_score"]], X[:, place["screened_outages_score"]] = screened.T
    X[:, place["ramped_nadir_hz"]] = nadir
    third = np.clip(250.0 * (nadir - 49.35), 0.0, 100.0)
    margins = np.column_stack([screened, third]) + rng.normal(0.0, 2.0, (N, 3))
    margins = margins.clip(0.0, 100.0)
    after = [place[name] for name in AFTER]
    X[:, after] = rng.uniform(0.0, 100.0, (N, len(after)))
    score = margins.min(axis=1)
    truth = {
        "score": score,
        "code": class_of(score),
        "margins": margins,
        "margin": margins.argmin(axis=1),
        "failure": np.asarray(FAILURES)[X[:, after].argmin(axis=1)],
        "counted": np.ones(N, dtype=bool),
    }
    one = Names(np.zeros(N, dtype=np.int64), (substation,))
    days = Names.of([f"{substation}.day-{at // 2:04d}" for at in range(N)])
    return rows_of(DEFINITION, X, truth, rng, substation=one, episode=days)


def few(mine):
    """Settings with few trees."""
    settings = mine.settings({}, "seed")
    settings["forest"]["forests"] = [{**one, "trees": 8} for one in settings["forest"]["forests"]]
    return {**settings, "margins": {**settings["margins"], "trees": 20}}


@pytest.fixture(scope="module")
def made():
    """The plan, local data of two sites and the finished state."""
    mine = plan("grid_stability")
    sites = {name: mine.local_data(state_rows(seed, name)) for seed, name in enumerate(("mumbai", "delhi"))}
    return mine, sites, fit_here(mine.family, few(mine), sites)


def test_fitted__sums_of_two_sites__answer_as_those_of_pooled_rows(made):
    mine, sites, state = made
    pooled = {name: np.concatenate([part[name] for part in sites.values()]) for name in sites["delhi"]}
    central = mine.fitted(fit_here(mine.family, few(mine), {"all": pooled}))
    X = state_rows(5, "chennai").inputs(DEFINITION.features)
    np.testing.assert_allclose(mine.fitted(state).estimate(X), central.estimate(X), atol=1e-9)


def test_fitted__rows_of_a_third_substation__are_answered(made):
    mine, _, state = made
    rows = state_rows(7, "chennai")
    answer = DEFINITION.answer(mine.fitted(state), rows)
    assert DEFINITION.metric("score_mae").of(answer, rows) < 6.0
    assert DEFINITION.metric("macro_f1").of(answer, rows) > 0.7
    assert DEFINITION.metric("margin_accuracy").of(answer, rows) > 0.8
    assert DEFINITION.metric("first_named_share").of(answer, rows) == 1.0


def test_fitted__compiled__is_the_same_small_graph(made):
    mine, _, state = made
    fitted, rows = mine.fitted(state), state_rows(8, "chennai")
    compiled = DEFINITION.compile(fitted)
    parity = check_parity(DEFINITION, fitted, compiled, CompiledModel(compiled.onnx), rows)
    assert parity.flips == 0
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 300_000
    assert DEFINITION.native(fitted, rows) is None


def test_weight_rows__changed_targets_of_a_fold__do_not_change_what_is_said_of_it(made):
    mine, sites, _ = made
    data = sites["delhi"]
    out = data["fold"] == 0
    order = np.random.default_rng(0).permutation(int(out.sum()))
    changed = {name: values.copy() for name, values in data.items()}
    for name in ("score", "margins"):
        changed[name][out] = changed[name][out][order]

    def judged(one):
        state = fit_here(mine.family, few(mine), {"delhi": one})
        found = {name: mine.family.of(state, name) for name in ("forest", "margins", "classes")}
        return weight_rows(one, found)["X"]

    ours, theirs = judged(data), judged(changed)
    np.testing.assert_array_equal(ours[out, 1 : 1 + len(MARGINS)], theirs[out, 1 : 1 + len(MARGINS)])
    assert (ours[~out] != theirs[~out]).any()


def test_local_data__states_of_a_day__are_in_one_fold():
    rows = state_rows(3, "delhi")
    mine = plan("grid_stability")
    train = rows.select(rows.split == TRAIN)
    fold = mine.local_data(rows)["fold"]
    for day in np.unique(train.episode.codes):
        assert np.unique(fold[train.episode.codes == day]).size == 1
    assert np.bincount(fold).min() > 0.2 * fold.size


def test_settings__limits__are_those_of_few_rows():
    made = plan("grid_stability").settings({"min_samples_leaf": 2, "max_depth": 5}, "s")
    assert {one["min_samples_leaf"] for one in made["forest"]["forests"]} == {8}
    assert made["margins"]["depth"] == 2
    # Forty training rows of a site in the smallest campaign.
    assert 2 * (made["classes"]["columns"] + 1) <= 32
    assert set(CLASS_DRIVERS) <= set(DRIVERS) < set(DEFINITION.features)


def test_probes__made_up_rows__give_many_answers(made):
    mine, _, state = made
    raw = mine.definition.raw(mine.fitted(state), mine.probes(state, 64, np.random.default_rng(0)))
    assert np.isfinite(raw).all()
    assert np.unique(np.round(raw[:, 0], 6)).size > 32
    assert len(set(class_of(100.0 * raw[:, 0]).tolist())) == len(CLASSES)
