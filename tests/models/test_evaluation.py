from dataclasses import replace

import numpy as np
import pytest

from models.catalogue import definition
from models.declaration import Bar
from models.evaluation import answer_all, evaluate, evaluated_rows
from models.metrics import mean_of
from models.pool import load
from models.splits import TRAIN


@pytest.fixture(scope="module")
def answers(profile, folders):
    """phase_imbalance with mumbai for training and delhi held out."""
    import msgspec

    apart = msgspec.structs.replace(profile, training=("mumbai",), held_out=("delhi",))
    declared = definition("phase_imbalance")
    pool = load(declared, apart, folders)
    fitted = declared.fit(pool.split(TRAIN), declared.defaults, 0)
    rows = evaluated_rows(pool.training, pool.held_out)
    return answer_all(declared, fitted, pool.training, rows)


@pytest.fixture(scope="module")
def report(answers):
    return evaluate(definition("phase_imbalance"), "tiny", answers, ("mumbai",))


def of(report, substation, kind, metric):
    (row,) = [row for row in report if (row.substation, row.slice, row.metric) == (substation, kind, metric)]
    return row


def test_evaluate__accuracy_of_a_slice__is_the_share_of_right_answers_in_it(answers, report):
    rows, answer = answers.rows, answers.by["model"]
    chosen = rows.kind.isin(["unbalance"]) & rows.substation.isin(["delhi"])
    expected = (answer["code"] == rows.truth["code"])[chosen].mean()
    row = of(report, "delhi", "unbalance", "accuracy")
    assert row.value == pytest.approx(expected)
    assert row.low <= row.value <= row.high
    assert of(report, "held_out", "unbalance", "accuracy").value == row.value


def test_evaluate__bars__stand_only_at_training_and_all(report):
    assert {(row.substation, row.slice) for row in report if row.bar is not None} == {("training", "all")}
    assert {row.metric for row in report if row.met is not None} == {"accuracy", "macro_f1"}


def test_evaluate__opponents__the_best_one_is_named(answers, report):
    rows = answers.rows
    chosen = rows.substation.isin(["mumbai"])
    best = {
        name: (answers.by[name]["code"] == rows.truth["code"])[chosen].mean() for name in ("pvur", "lvur")
    }
    row = of(report, "training", "all", "accuracy")
    assert row.opponent == max(best, key=best.get)
    assert row.opponent_value == pytest.approx(max(best.values()))
    assert row.oracle > row.opponent_value


def test_evaluate__same_answers_twice__gives_the_same_rows(answers, report):
    assert evaluate(definition("phase_imbalance"), "tiny", answers, ("mumbai",)) == report


def test_evaluate__model_no_better_than_an_opponent__does_not_meet_its_bar(answers):
    as_lvur = replace(answers, by={**answers.by, "model": {**answers.by["model"], **answers.by["lvur"]}})
    row = of(
        evaluate(definition("phase_imbalance"), "tiny", as_lvur, ("mumbai",)), "training", "all", "accuracy"
    )
    assert row.met is False


class _Sized(type(definition("phase_imbalance"))):
    """The definition with an error that every answer below has, and a bar of each sort."""

    metrics = (mean_of("error", "counted", "size"),)
    oracle = "given"


def judged(answers, bar, model, opponent, oracle=0.0):
    """Verdict on a model whose every error is `model`, up to a little noise."""
    _Sized.bars = (bar,)
    rng, n = np.random.default_rng(0), len(answers.rows)
    rows = replace(answers.rows, truth={**answers.rows.truth, "counted": np.ones(n, dtype=bool)})
    by = {
        name: {"size": error + 0.01 * rng.random(n)}
        for name, error in (("model", model), ("pvur", opponent), ("oracle", oracle))
    }
    report = evaluate(_Sized(), "tiny", replace(answers, rows=rows, by=by), ("mumbai",))
    return of(report, "training", "all", "error")


def test_bar__cut_of_an_opponents_error__is_met_from_that_share_on(answers):
    bar = Bar("error", cuts={"pvur": 0.3})
    assert judged(answers, bar, 0.6, 1.0).met is True
    row = judged(answers, bar, 0.8, 1.0)
    assert row.met is False
    assert row.bar == pytest.approx(0.7 * row.opponent_value)


def test_bar__near_the_oracle__is_met_where_the_figure_is_missed(answers):
    bar = Bar("error", 0.1, near_oracle=0.05)
    assert judged(answers, bar, 0.5, 1.0, oracle=0.48).met is True
    assert judged(answers, bar, 0.5, 1.0, oracle=0.3).met is False


def test_bar__not_worse__is_missed_only_by_what_an_interval_tells(answers):
    bar = Bar("error", not_worse=("pvur",))
    assert judged(answers, bar, 0.500, 0.500).met is True
    assert judged(answers, bar, 0.3, 0.5).met is True
    assert judged(answers, bar, 0.6, 0.5).met is False


def test_bar__contains__is_met_where_the_models_interval_holds_the_figure(answers):
    assert judged(answers, Bar("error", contains=0.505), 0.5, 1.0).met is True
    row = judged(answers, Bar("error", contains=0.6), 0.5, 1.0)
    assert row.met is False
    assert row.bar == 0.6
