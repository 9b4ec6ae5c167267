"""What an advice leads to, beside the best that was possible."""

from types import SimpleNamespace

import numpy as np
import pytest

from data_contracts.transmission import BUSES, PARKS, UNITS
from flows.answers import Answered, Comparison, markdown, tallies
from flows.regrets import TOLERATED_PCT, is_right, regret_of
from flows.resolving import GridResolver


def judged(model, truth, answered):
    told = None if truth is None else SimpleNamespace(truth=truth)
    return regret_of(model, SimpleNamespace(window=SimpleNamespace(told=told)), answered)


ARRANGEMENTS = {
    "": (0.0, False),
    "F331:lv1>lv2": (30.0, True),
    "F331:lv1>lv2,TR1:ab>bc": (42.0, True),
    "F332:lv2>lv1": (60.0, False),
}


def moves(*texts):
    named = [text.replace(":", ">").split(">") for text in texts]
    return {
        "balancing_recommendation": [
            {"feeder": name, "origin": origin, "target": target} for name, origin, target in named
        ]
    }


@pytest.mark.parametrize(
    ("texts", "pct", "within", "right"),
    [
        (("TR1:ab>bc", "F331:lv1>lv2"), 0.0, True, True),
        (("F331:lv1>lv2",), 12.0, True, False),
        (("F332:lv2>lv1",), -18.0, False, False),
        ((), 42.0, True, False),
    ],
)
def test_load_balancing__regret__is_what_the_best_permitted_arrangement_takes_away_more(
    texts, pct, within, right
):
    regret = judged("load_balancing", {"arrangements": ARRANGEMENTS}, moves(*texts))
    assert regret.pct == pytest.approx(pct)
    assert regret.within_limits is within
    assert is_right("load_balancing", regret) is right
    assert regret.truth["best_imbalance_reduction"] == 42.0


def test_load_balancing__moves_that_were_not_solved__are_not_judged():
    assert judged("load_balancing", {"arrangements": ARRANGEMENTS}, moves("F333:lv1>lv2")) is None


def setting(tap, loss_w, *, within=True, present=False):
    return {
        "taps": {"AT1": tap, "DTX1": 5},
        "capacitor_steps": {"C1": 1},
        "present": present,
        "loss_w": loss_w,
        "within_limits": within,
    }


SETTINGS = [
    setting(4, 1000.0, present=True),
    setting(5, 960.0),
    setting(6, 950.0),
    setting(7, 900.0, within=False),
    setting(8, None, within=False),
]


@pytest.mark.parametrize(
    ("taps", "pct", "within", "gain_pct"),
    [
        ({"AT1": 6, "DTX1": 5}, 0.0, True, 5.0),
        ({"AT1": 5}, 100.0 * 10.0 / 950.0, True, 4.0),
        ({"AT1": 7}, -100.0 * 50.0 / 950.0, False, 10.0),
    ],
)
def test_power_flow_optimization__regret__is_what_the_least_loss_within_limits_spares_more(
    taps, pct, within, gain_pct
):
    answered = {"optimal_configuration": {"taps": taps, "capacitor_steps": {"C1": 1}}}
    regret = judged("power_flow_optimization", {"settings": SETTINGS}, answered)
    assert regret.pct == pytest.approx(pct)
    assert regret.within_limits is within
    assert regret.truth == {"efficiency_gain": pytest.approx(gain_pct), "best_efficiency_gain": 5.0}


@pytest.mark.parametrize("tap", [8, 9])
def test_power_flow_optimization__a_setting_without_a_solution__is_not_judged(tap):
    answered = {"optimal_configuration": {"taps": {"AT1": tap}, "capacitor_steps": {}}}
    assert judged("power_flow_optimization", {"settings": SETTINGS}, answered) is None


@pytest.fixture(scope="module")
def hour():
    """An hour at low load in which every plant gives a share of what it has, and its own cost as the best."""
    available = {unit.name: unit.rated_mw for unit in UNITS}
    outputs = {unit.name: 0.3 * unit.rated_mw for unit in UNITS}
    load = np.full(BUSES, 0.97 * sum(outputs.values()) / BUSES)
    truth = {
        "available_mw": available,
        "cost_per_mwh": {
            unit.name: 0.0 if place < len(PARKS) else 3000.0 for place, unit in enumerate(UNITS)
        },
        "bus_load_mw": load.tolist(),
        "bus_load_mvar": [0.0] * BUSES,
        "optimum_cost": 1.0,
    }
    return truth, outputs


def test_optimal_dispatch__cost__is_that_of_the_power_flow_with_what_losses_make_of_it(hour):
    truth, outputs = hour
    regret = judged("optimal_dispatch", truth, {"dispatch_recommendation": outputs})
    cost = regret.truth["expected_cost"]
    as_best = judged(
        "optimal_dispatch", {**truth, "optimum_cost": cost}, {"dispatch_recommendation": outputs}
    )
    assert as_best.pct == pytest.approx(0.0, abs=1e-9)
    flow = GridResolver().solve(
        np.array(list(outputs.values())), np.array(truth["bus_load_mw"]), np.zeros(BUSES)
    )
    assert as_best.within_limits is flow.feasible
    dearer = judged(
        "optimal_dispatch", {**truth, "optimum_cost": cost / 1.02}, {"dispatch_recommendation": outputs}
    )
    assert dearer.pct == pytest.approx(2.0)
    assert not is_right("optimal_dispatch", dearer)


@pytest.mark.parametrize("model", sorted(TOLERATED_PCT))
def test_regret__without_truth_or_without_an_answer__is_none(model):
    assert judged(model, None, {"x": 1}) is None
    assert judged(model, {}, {"x": 1}) is None
    assert (
        judged(model, {"settings": SETTINGS, "arrangements": ARRANGEMENTS, "bus_load_mvar": []}, {}) is None
    )


def test_markdown__advice__is_told_with_its_limits_and_its_regret():
    def asked(pct, *, within):
        found = Comparison("load_balancing", "ok", "", "load_balancing:1", {}, {}, within, pct, within)
        return Answered(
            "mumbai", "balancing", "e", "p", "t", "none", "", None, None, None, "r", "s", 0.1, (found,)
        )

    answers = [asked(1.0, within=True), asked(2.0, within=True), asked(-9.0, within=False)]
    (tally,) = tallies(answers)
    assert (tally.advised, tally.within_limits, tally.regret_pct) == (3, 2, 1.5)
    assert "| load_balancing | 3 | 2 | 1.5 % | 5 % |" in markdown(answers)
