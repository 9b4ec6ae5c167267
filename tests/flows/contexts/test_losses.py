"""The topics `losses` and `settings`: a state by its instruments, its loss, and what other settings lose."""

from types import SimpleNamespace

import msgspec
import pytest

from data_contracts.wire import Context
from flows.regrets import regret_of
from models.energy import energy_loss
from substations.station import station_facts
from tests.flows.contexts.tables import DAY_S, MUMBAI, NOON, TEST_DAY, loads_of, stamps, truth


def losses_of(t, status="ok"):
    facts = station_facts(MUMBAI)
    values = {
        "p_metered_w": 104e6,
        "q_metered_var": 17e6,
        "p_metered_low_w": 26e6,
        "v_metered_pu": 1.01,
        "ambient_c": 31.0,
        "ghi_w_m2": 500.0,
        "wind_m_s": 2.0,
        "total_w": 1e6,
        "p_supplied_w": 100e6,
        "resistive_w": 6e5,
        "reactive_w": 1e5,
        "core_w": 3e5,
        "design_resistive": 0.65,
        "design_reactive": 0.10,
        "design_core": 0.25,
    }
    return {
        "status": [status],
        "t": stamps([t]),
        "taps": [",".join(f"{tap.name}:9" for tap in facts.taps)],
        "capacitor_steps": [",".join(f"{bank.name}:1" for bank in facts.banks)],
        **{name: [value] for name, value in values.items()},
    }


def test_losses__feeders__sum_to_what_the_instruments_have(ask):
    facts = station_facts(MUMBAI)

    told = ask("losses", {"losses": losses_of(NOON), "load": loads_of(TEST_DAY + 1)}, [NOON + 1000])[0]

    context = msgspec.convert(told.context, Context)
    feeders = context.station.feeders
    assert set(feeders) == set(facts.feeders)
    assert sum(feeder.p_w for feeder in feeders.values()) == pytest.approx(104e6)
    assert sum(feeder.q_var for feeder in feeders.values()) == pytest.approx(17e6)
    low = [name for name, is_low in zip(facts.feeders, facts.low, strict=True) if is_low]
    assert sum(feeders[name].p_w for name in low) == pytest.approx(26e6)
    assert context.station.v_infeed_v == pytest.approx(1.01 * facts.v_nom_v, abs=0.1)
    assert context.tap == {tap.name: 9 for tap in facts.taps}
    assert context.capacitor_steps == {bank.name: 1 for bank in facts.banks}
    assert (context.ambient_c, context.weather.ghi_w_m2, context.weather.wind_m_s) == (31.0, 500.0, 2.0)


def test_losses__truth__is_the_states_loss_and_the_part_that_stands_out(ask):
    told = ask("losses", {"losses": losses_of(NOON), "load": loads_of(TEST_DAY + 1)}, [NOON + 1000])[0]

    assert truth("energy_loss", told) == {
        "loss_category": "core",
        "loss_in_watts": 1e6,
        "estimated_loss": pytest.approx(1.0),
    }
    assert set(energy_loss.CLASSES) == {"resistive", "reactive", "core"}


@pytest.mark.parametrize(
    ("later", "status"), [(600, "ok"), (3700, "ok"), (1000, "unsolved")], ids=["not over", "old", "unsolved"]
)
def test_losses__no_settled_quarter_in_the_last_hour__is_left_out(ask, later, status):
    tables = {"losses": losses_of(NOON, status), "load": loads_of(TEST_DAY + 1)}
    assert ask("losses", tables, [NOON + later]) == {}


def settings_of(t):
    """The table `controls`: the state at t in the present setting, in a better and in a forbidden one."""
    taps = ",".join(f"{tap.name}:{{}}" for tap in station_facts(MUMBAI).taps)
    return {
        "scenario_id": ["mumbai.tiny.7.state.000000"] * 3,
        "t": stamps([t] * 3),
        "present": [True, False, False],
        "status": ["ok"] * 3,
        "taps": [taps.replace("{}", tap) for tap in ("9", "8", "7")],
        "capacitor_steps": [",".join(f"{bank.name}:1" for bank in station_facts(MUMBAI).banks)] * 3,
        "loss_w": [1e6, 0.9e6, 0.8e6],
        "violations": [0, 0, 2],
        "overloads": [0] * 3,
    }


@pytest.fixture
def solved(ask):
    """Tables of one state of which three settings were solved, and what the topic `settings` knows then."""

    def known(t, ends=(NOON + 5000,)):
        losses = losses_of(t)
        losses["scenario_id"] = ["mumbai.tiny.7.state.000000"] * len(losses["t"])
        tables = {"losses": losses, "load": loads_of(TEST_DAY + 1), "controls": settings_of(t)}
        return ask("settings", tables, list(ends))

    return known


def test_settings__state_of_a_test_day__is_told_with_what_every_setting_loses(solved):
    told = solved(NOON)[0]
    context = msgspec.convert(told.context, Context)
    facts = station_facts(MUMBAI)
    assert told.point == MUMBAI.infeeds[0].point
    assert context.tap == {tap.name: 9 for tap in facts.taps}
    assert set(context.station.feeders) == set(facts.feeders)
    assert [one["loss_w"] for one in told.truth["settings"]] == [1e6, 0.9e6, 0.8e6]
    assert [one["within_limits"] for one in told.truth["settings"]] == [True, True, False]
    assert truth("energy_loss", told)["loss_in_watts"] == 1e6


def test_settings__what_the_best_one_gains__is_the_advices_truth(solved):
    told = solved(NOON)[0]
    better = {"taps": {tap.name: 8 for tap in station_facts(MUMBAI).taps}, "capacitor_steps": {}}
    episode = SimpleNamespace(window=SimpleNamespace(told=told))
    regret = regret_of("power_flow_optimization", episode, {"optimal_configuration": better})
    assert regret.pct == 0.0
    assert regret.within_limits
    assert regret.truth["efficiency_gain"] == pytest.approx(10.0)


def test_settings__more_episodes_than_states__each_has_one(solved):
    told = solved(NOON, [NOON + 5000, NOON + 6000, NOON + 7000])
    assert len(told) == 3
    assert [one.context for one in told.values()] == [told[0].context] * 3


def test_settings__state_of_another_day__is_left_out(solved):
    assert solved(NOON - TEST_DAY * DAY_S) == {}
