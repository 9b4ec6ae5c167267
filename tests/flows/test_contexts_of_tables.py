"""Each topic's context from small tables: what the request says, what is truly so, and what is left out."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.wire import Context
from data_contracts.wire.request import LoadHistory
from features.context import profile
from flows.contexts import CONTEXTS, Told
from flows.contexts.told import iso
from flows.regrets import regret_of
from flows.truths import agreement, truth_of
from models import asset_rows, columns
from models.energy import energy_loss
from models.splits import TEST, split_of_day
from substations.station import station_facts
from switchyard.profiles import load_profile

MUMBAI = substations.read("mumbai")
START = load_profile("tiny").simulation.start
MIDNIGHT = int(datetime(START.year, START.month, START.day, tzinfo=UTC).timestamp()) - MUMBAI.utc_offset_s
DAY_S, QUARTER_S = 86_400, 900
TEST_DAY = next(day for day in range(40) if set(split_of_day(np.array([day, day + 1]))) == {TEST})
NOON = MIDNIGHT + TEST_DAY * DAY_S + DAY_S // 2
FEEDERS = sorted(feeder.point for feeder in MUMBAI.feeders)


def stamps(seconds):
    return pa.array(np.round(np.asarray(seconds) * 1000.0).astype(np.int64), pa.timestamp("ms", tz="UTC"))


@pytest.fixture
def ask(tmp_path):
    """What a topic knows of episodes that end at the given seconds, by the episode's number."""

    def known(topic, tables, ends, parameters=None):
        names = [f"mumbai.tiny.7.kind.{k:06d}" for k in range(len(ends))]
        scenarios = {
            "scenario_id": names,
            "t_start": stamps(np.asarray(ends) - 19),
            "seconds": [20] * len(ends),
            "parameters": [json.dumps(one) for one in parameters or [{}] * len(ends)],
        }
        for table, content in {"scenarios": scenarios, **tables}.items():
            (tmp_path / table).mkdir(exist_ok=True)
            pq.write_table(pa.table(content), tmp_path / table / "kind-00000.parquet")
        Dataset.write_manifest(
            tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
        )
        found = CONTEXTS[topic](Dataset.open(tmp_path), MUMBAI, START, names)
        return {names.index(name): told for name, told in found.items()}

    return known


def truth(model, told):
    return truth_of(model, SimpleNamespace(window=SimpleNamespace(told=told)))


def loads_of(days):
    """The table `load`: a feeder's load in MW is the number of its quarter, plus 1000 for each feeder."""
    quarters = np.arange(96 * days)
    n = quarters.size
    return {
        "point": np.repeat(FEEDERS, n),
        "t": stamps(np.tile(MIDNIGHT + QUARTER_S * quarters, len(FEEDERS))),
        "p_w": np.concatenate([1e6 * (1000.0 * k + quarters) for k in range(len(FEEDERS))]),
        "q_var": np.full(n * len(FEEDERS), 2e6),
        "ambient_c": np.tile(20.0 + 0.01 * quarters, len(FEEDERS)),
        "wind_m_s": np.full(n * len(FEEDERS), 3.0),
        "lightning_per_h": np.full(n * len(FEEDERS), 0.5),
    }


def test_load__eight_days__up_to_the_last_whole_quarter(ask):
    now = NOON + 300

    told = ask("load", {"load": loads_of(TEST_DAY + 3)}, [now])[0]

    history = msgspec.convert(told.load_history, LoadHistory)
    assert told.point == FEEDERS[0]
    assert told.context == {}
    assert history.end == datetime.fromtimestamp(NOON, UTC)
    last = (NOON - MIDNIGHT) // QUARTER_S - 1
    assert history.p == [1e6 * quarter for quarter in range(last - 767, last + 1)]


def test_load__truth__is_the_mean_of_the_quarters_that_end_then(ask):
    now = NOON + 300

    told = ask("load", {"load": loads_of(TEST_DAY + 3)}, [now])[0]

    # Two thirds of the quarter that began at noon and a third of the next one, then 3 and 95 quarters later.
    first = (NOON - MIDNIGHT) // QUARTER_S + 1 / 3
    forecast = truth("load_forecast", told)["forecasted_load"]
    assert forecast == pytest.approx(
        {"15min": 1e6 * first, "1h": 1e6 * (first + 3), "24h": 1e6 * (first + 95)}
    )


def test_load__feeders_in_turn(ask):
    found = ask("load", {"load": loads_of(TEST_DAY + 3)}, [NOON, NOON + 30])
    assert [found[k].point for k in (0, 1)] == FEEDERS[:2]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (NOON + DAY_S * (20 - TEST_DAY % 20 - 1), TEST_DAY + 5),
        (NOON, TEST_DAY + 1),
        (MIDNIGHT + 7 * DAY_S, TEST_DAY),
    ],
    ids=["tomorrow is trained on", "tomorrow is not known", "a week only"],
)
def test_load__what_cannot_be_compared__is_left_out(ask, now, days):
    assert ask("load", {"load": loads_of(days)}, [now]) == {}


@pytest.mark.parametrize(("high", "agrees"), [(2.0, True), (1.1, False)])
def test_agreement__load_forecast__is_within_all_intervals(high, agrees):
    answered = {
        "forecasted_load": {"15min": 1.0, "1h": 1.0},
        "confidence_interval": {"15min": [0.0, 2.0], "1h": [0.0, high]},
    }
    assert agreement("load_forecast", answered, {"forecasted_load": {"15min": 1.0, "1h": 1.5}}) is agrees


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


def event(point, t, kind="sag", cause="fault"):
    return {"point": point, "t": t, "kind": kind, "cause": cause, "depth_pct": 20.0, "duration_ms": 80.0}


def events_of(*events):
    table = {name: [one[name] for one in events] for name in events[0]}
    return {**table, "t": stamps(table["t"])}


def test_sag__week__is_told_and_nothing_else(ask):
    first = MUMBAI.points[0].id
    seen = events_of(
        event(first, NOON - 8 * DAY_S),
        event(first, NOON - 3600.5, kind="swell", cause="load_rejection"),
        event("DTX1.LV", NOON - 100),
        event(first, NOON - 10),
        event(first, NOON + 1),
    )

    told = ask("sag", {"sag_events": seen, "load": loads_of(TEST_DAY + 3)}, [NOON])[0]

    context = msgspec.convert(told.context, Context)
    assert told.point == first
    assert [NOON - one.t.timestamp() for one in context.events] == [3600.5, 10.0]
    assert [one.kind for one in context.events] == ["swell", "sag"]
    # The quarter before noon is the last one that is over.
    assert context.ambient_c == pytest.approx(20.0 + 0.01 * ((NOON - MIDNIGHT) // QUARTER_S - 1), abs=0.005)
    assert (context.weather.wind_m_s, context.weather.lightning_per_h) == (3.0, 0.5)


@pytest.mark.parametrize(
    ("later", "kind", "cause", "comes"),
    [
        (600, "sag", "fault", True),
        (601, "sag", "fault", False),
        (0, "sag", "fault", False),
        (60, "swell", "load_rejection", False),
    ],
)
def test_sag__truth__is_an_event_within_ten_minutes(ask, later, kind, cause, comes):
    seen = events_of(event(MUMBAI.points[0].id, NOON + later, kind, cause))

    told = ask("sag", {"sag_events": seen, "load": loads_of(TEST_DAY + 3)}, [NOON])[0]

    found = truth("voltage_sag", told)
    assert found["event_within_10_min"] is comes
    assert ("likely_cause" in found) is comes
    assert agreement("voltage_sag", {"sag_probability": 0.5}, found) is None


@pytest.mark.parametrize("now", [MIDNIGHT + 6 * DAY_S, NOON + 2 * DAY_S], ids=["first week", "end"])
def test_sag__week_or_future_not_known__is_left_out(ask, now):
    tables = {"sag_events": events_of(event("DTX1.LV", NOON)), "load": loads_of(TEST_DAY + 1)}
    assert ask("sag", tables, [now]) == {}


def assets_of(t, **changes):
    """One day of every piece of the description; of what a piece may lack there is nothing."""
    pieces = MUMBAI.assets
    lacking = ("moisture_pct", "oltc_operations", "h2_ppm", "ch4_ppm", "c2h2_ppm", "c2h4_ppm", "co_ppm")
    row = {
        "age_years": 7.0,
        "anomalies_7d": 3,
        "anomalies_30d": 9,
        "load_pu": 0.6,
        "hot_spot_c": 71.0,
        "through_faults_total": 2,
        "breaker_operations": 40,
        "maintenance_age_d": 10.0,
        "anomalies_24h": 1,
        "ambient_c": 30.0,
        "failed_within_30d": True,
        "risk_30d": 0.8,
        **changes,
    }
    n = len(pieces)
    return {
        "asset": [piece.id for piece in pieces],
        "kind": [piece.kind for piece in pieces],
        "t": stamps([t] * n),
        **{name: [value] * n for name, value in row.items()},
        **{name: pa.nulls(n, pa.float64()) for name in lacking},
    }


def played(asset, t):
    return {"asset": asset, "t_asset": t, "point": "DTX1.LV"}


def test_ageing__pieces__are_those_of_the_models_test_split(ask):
    t = MIDNIGHT + TEST_DAY * DAY_S
    table = assets_of(t)
    drawn = [played(piece.id, t) for piece in MUMBAI.assets]

    found = ask("ageing", {"assets": table}, [NOON] * len(drawn), drawn)

    arrow = pa.table(table)
    asset = columns.names(arrow, "asset")
    ranks = asset_rows._ranks(asset, columns.names(arrow, "kind"))
    tested = split_of_day((7 * ranks) % 20) == TEST
    assert {MUMBAI.assets[k].id for k in found} == {asset.texts[k] for k in np.flatnonzero(tested)}


def test_ageing__request__names_the_piece_and_leaves_out_what_it_lacks(ask):
    t = MIDNIGHT + TEST_DAY * DAY_S
    drawn = [played(piece.id, t) for piece in MUMBAI.assets]

    number, told = next(iter(ask("ageing", {"assets": assets_of(t)}, [NOON] * len(drawn), drawn).items()))

    context = msgspec.convert(told.context, Context)
    assert told.point == "DTX1.LV"
    assert context.asset == MUMBAI.assets[number].id
    assert (context.hours_since_maintenance, context.anomalies_24h, context.ambient_c) == (240.0, 1, 30.0)
    assert context.condition.through_faults == 2
    assert "dga" not in told.context["condition"]
    assert "moisture_pct" not in told.context["condition"]
    assert truth("equipment_failure", told) == {
        "risk_level": "high",
        "failure_risk": 0.8,
        "failed_within_30d": True,
    }


def test_ageing__next_thirty_days_not_known__is_left_out(ask):
    t = MIDNIGHT + TEST_DAY * DAY_S
    table = assets_of(t) | {"failed_within_30d": pa.nulls(len(MUMBAI.assets), pa.bool_())}
    drawn = [played(piece.id, t) for piece in MUMBAI.assets]
    assert ask("ageing", {"assets": table}, [NOON] * len(drawn), drawn) == {}


def test_quality__point__is_the_worst_of_those_with_all_instruments(ask):
    name = "mumbai.tiny.7.kind.000000"
    table = {
        "scenario_id": [name] * 4 + ["another"],
        "point": ["AT1.HV", "DTX1.LV", "LV1", "MV1", "LV2"],
        "metered_thd_pct": [1.0, 1.0, 1.0, None, 1.0],
        "metered_pst": [None, 0.5, 0.5, 0.5, 0.5],
        "index": [10.0, 80.0, 60.0, 20.0, 5.0],
        "grade": ["poor", "good", "fair", "poor", "poor"],
        "t": stamps([NOON - 599] * 5),
        "u_min_pu": [0.98, 0.98, 0.6, 0.98, 0.98],
        "u_max_pu": [1.02, 1.02, 1.3, 1.02, 1.02],
        "event_s": [0.0, 0.0, 0.1, 0.0, 0.0],
        "swells": [0, 0, 1, 0, 0],
    }
    table["scenario_id"][4] = name.replace("000000", "000001")

    found = ask("quality", {"power_quality": table}, [NOON, NOON], [{"start_s": 300.5}, {}])

    assert found[0].point == "LV1"
    sag, swell = (msgspec.to_builtins(event) for event in msgspec.convert(found[0].context, Context).events)
    assert sag["kind"] == "sag"
    assert swell["kind"] == "swell"
    assert sag["depth_pct"] == pytest.approx(40.0, abs=1.0)
    assert swell["depth_pct"] == pytest.approx(30.0, abs=1.0)
    assert sag["duration_ms"] == pytest.approx(100.0, abs=20.0)
    assert found[1].context == {"events": []}
    assert found[0].context["events"][0]["t"] == iso(NOON - 599 + 300.5)
    assert truth("power_quality_index", found[0]) == {"quality_grade": "fair", "power_quality_index": 60.0}


def customers_of(count):
    working, rest = np.arange(1.0, 97.0), np.full(96, 7.0)
    return {
        "customer": [f"mumbai-{k:06d}" for k in range(count)],
        "point": [FEEDERS[k % len(FEEDERS)] for k in range(count)],
        "working_w": [working.tolist()] * count,
        "weekend_w": [rest.tolist()] * count,
        **{feature.name: [10.0] * count for feature in profile.RECORDS},
        "true_class": ["flexible"] * count,
        "flexible_w": [2500.0] * count,
    }


def test_demand__history__gives_back_the_customers_typical_days(ask):
    found = ask("demand", {"customers": customers_of(20)}, [NOON, NOON + 30])

    history = msgspec.convert(found[0].load_history, LoadHistory)
    end = history.end.timestamp()
    assert NOON - profile.OLDEST_S <= end <= NOON
    days = profile.typical_days(np.array(history.p), history.step_s, end + MUMBAI.utc_offset_s)
    np.testing.assert_allclose(days, [np.arange(1.0, 97.0), np.full(96, 7.0)])
    assert msgspec.convert(found[0].context, Context).profile.standby_pct == 10.0
    assert truth("demand_response", found[0]) == {"demand_cluster": "flexible", "dr_potential": 2.5}


def test_demand__customers__are_those_of_the_test_split_one_each(ask):
    found = ask("demand", {"customers": customers_of(20)}, [NOON + k for k in range(9)])

    tested = np.flatnonzero(split_of_day(np.arange(20)) == TEST)
    assert [found[k].point for k in sorted(found)] == [FEEDERS[k % len(FEEDERS)] for k in tested]


@pytest.mark.parametrize(
    "model",
    [
        "equipment_failure",
        "power_quality_index",
        "load_forecast",
        "energy_loss",
        "voltage_sag",
        "demand_response",
    ],
)
@pytest.mark.parametrize("told", [None, Told("DTX1.LV", {}, {})])
def test_truth_of__nothing_told__is_not_known(model, told):
    assert truth(model, told) == {}
    assert agreement(model, {"x": 1}, {}) is None
