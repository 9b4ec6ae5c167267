"""The topic `compensation`: meters of a state whose best size of bank was solved, and what is true of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.wire import Context, check, decode_item, pack
from features.context import banks
from features.online import windows_from_rows
from flows.answers import compare
from flows.contexts import CONTEXTS, Told
from flows.episodes import TOPICS, Window, _episode
from flows.truths import agreement, truth_of
from models.splits import TEST, split_of_day
from serving.sites import Sites
from substations.station import station_facts
from switchyard.profiles import load_profile

MUMBAI = substations.read("mumbai")
FACTS = station_facts(MUMBAI)
BANK = FACTS.banks[0]
BAY = next(point for point in MUMBAI.points if point.id == BANK.points[0])
START = load_profile("tiny").simulation.start
DAY_S, SECONDS = 86_400, 12
TEST_DAY = int(np.flatnonzero(split_of_day(np.arange(20)) == TEST)[0])
MIDNIGHT = int(datetime(START.year, START.month, START.day, tzinfo=UTC).timestamp()) - MUMBAI.utc_offset_s
NOON = MIDNIGHT + TEST_DAY * DAY_S + DAY_S // 2
NAMES = [f"mumbai.tiny.7.normal.{k:06d}" for k in range(3)]
FED_W, FED_VAR, V_PU, STEPS = 24e6, 9e6, 1.01, 1
P_W, Q_VAR = (np.arange(1.0, len(FACTS.feeders) + 1) * part for part in (5e6, 2e6))


def stamps(seconds):
    return pa.array(np.asarray(seconds, dtype=np.int64) * 1000, pa.timestamp("ms", tz="UTC"))


def states(days, status=None):
    """The table `compensation`: a state at noon of each day; the air is as warm as its number."""
    n = len(days)
    steps = [{bank.name: STEPS for bank in FACTS.banks} for _ in days]
    return {
        "scenario_id": [f"mumbai.tiny.7.state.{k:06d}" for k in range(n)],
        "t": stamps([MIDNIGHT + day * DAY_S + DAY_S // 2 for day in days]),
        "bank": [BANK.name] * n,
        "point": [BAY.id] * n,
        "status": status or ["ok"] * n,
        "steps": [STEPS] * n,
        "p_fed_metered_w": [FED_W] * n,
        "q_fed_metered_var": [FED_VAR] * n,
        "v_metered_pu": [V_PU] * n,
        "v_infeed_metered_pu": [0.99] * n,
        "p_feeders_metered_w": [P_W.tolist()] * n,
        "q_feeders_metered_var": [Q_VAR.tolist()] * n,
        "taps": [",".join(f"{tap.name}:9" for tap in FACTS.taps)] * n,
        "capacitor_steps": [",".join(f"{name}:{k}" for name, k in one.items()) for one in steps],
        "ambient_c": np.arange(n, dtype=np.float64),
        "optimal_var": [1.9 * BANK.q_var / BANK.steps] * n,
        "power_factor": [0.95] * n,
    }


@pytest.fixture
def told(tmp_path):
    """What is told of three episodes, by a table `compensation`."""

    def known(compensation):
        scenarios = {"scenario_id": NAMES, "t_start": stamps([NOON] * 3), "seconds": [SECONDS] * 3}
        for table, content in {"scenarios": scenarios, "compensation": compensation}.items():
            (tmp_path / table).mkdir()
            pq.write_table(pa.table(content), tmp_path / table / "normal-00000.parquet")
        Dataset.write_manifest(
            tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
        )
        return CONTEXTS["compensation"](Dataset.open(tmp_path), MUMBAI, START, NAMES)

    return known


def readings():
    """Ten seconds that a meter sent at the bay: v is half of nominal, the frequency 50.02 Hz."""
    half = [5e2 * BAY.nominal_kv / np.sqrt(3.0)] * 3
    stamp = "2026-01-05T06:00:{:02d}.000Z"
    one = {"v": half, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "v_ll": half, "pst": 0.3}
    return [{"t": stamp.format(k), "f": 50.02, "quality": "good", **one} for k in range(10)]


def window(known):
    return Window(
        next(topic for topic in TOPICS if topic.name == "compensation"), NAMES[0], BAY.id, (), 0.0, known
    )


@pytest.fixture
def request_of(monkeypatch):
    """The request of an episode of which something is told, and the episode."""
    columns = {"f_hz": [50.02] * 15, "vuf_pct": [6.0] * 15, "event": ["none"] * 15, "active": [False] * 15}
    columns |= {"event_phase": [""] * 15, "severity": [0.0] * 15}
    tables = {"readings": SimpleNamespace(to_pylist=readings), "readings_truth": pa.table(columns)}
    monkeypatch.setattr("flows.episodes.reading", lambda row: row)
    monkeypatch.setattr("flows.episodes._rows", lambda dataset, table, *_: tables[table])
    return lambda known: _episode(None, "mumbai", replace(window(known), seconds=(NOON, NOON + 9)))


def test_compensation__state_of_a_test_day__is_told_with_the_size_that_was_solved(told):
    found = told(states([TEST_DAY]))[NAMES[0]]
    context = msgspec.convert(found.context, Context)
    assert found.point == BAY.id
    assert {name: one.p_w for name, one in context.station.feeders.items()} == dict(
        zip(FACTS.feeders, P_W.tolist(), strict=True)
    )
    assert context.station.v_infeed_v == pytest.approx(0.99 * FACTS.v_nom_v, abs=0.1)
    assert context.tap == {tap.name: 9 for tap in FACTS.taps}
    assert found.truth["optimal_var"] == pytest.approx(1.9 * BANK.q_var / BANK.steps)


@pytest.mark.parametrize(
    ("days", "status"), [([0], None), ([TEST_DAY], ["unsolved"])], ids=["trained on", "unsolved"]
)
def test_compensation__no_solved_state_of_a_test_day__is_left_out(told, days, status):
    assert told(states(days, status)) == {}


def test_compensation__more_episodes_than_states__states_in_turn(told):
    found = told(states([TEST_DAY, TEST_DAY + 1]))
    assert [found[name].context["ambient_c"] for name in NAMES] == [0.0, 1.0, 0.0]


def test_compensation__request__gives_the_model_the_states_own_meters(told, request_of):
    episode = request_of(told(states([TEST_DAY]))[NAMES[0]])
    item = decode_item(json.dumps(episode.request).encode())
    sites = Sites.read(["mumbai"])
    site = sites.find(item)
    assert not any(check([item], pack([item]), [site.bounds]))
    windows = windows_from_rows(pack([item]), [site.nominals])
    (row,) = banks.read([item], windows)
    found = dict(zip((one.name for one in banks.FEATURES), row.tolist(), strict=True))
    assert found["bank_p_fed_pu"] == pytest.approx(FED_W / BANK.q_var, rel=1e-6)
    assert found["bank_q_fed_pu"] == pytest.approx(FED_VAR / BANK.q_var, rel=1e-6)
    assert found["bank_v_pu"] == pytest.approx(V_PU, rel=1e-6)
    assert found["bank_in_service"] == STEPS / BANK.steps
    assert "v_ll" not in episode.request["readings"][0]


def test_episode__of_its_own_seconds__keeps_what_the_meters_sent(request_of):
    assert request_of(Told(BAY.id, {}, {})).request["readings"] == readings()


@pytest.mark.parametrize(
    ("optimal", "plan"),
    [
        (1.9, [{"bank": BANK.name, "present": 1, "target": 2}]),
        # Beyond the middle between two numbers of steps, but not by the hysteresis.
        (1.55, []),
        (0.1, [{"bank": BANK.name, "present": 1, "target": 0}]),
    ],
)
def test_truth_of__reactive_power__is_the_plan_next_to_the_size_that_was_solved(told, optimal, plan):
    step_var = BANK.q_var / BANK.steps
    known = told(states([TEST_DAY]) | {"optimal_var": [optimal * step_var]})[NAMES[0]]
    truth = truth_of("reactive_power", SimpleNamespace(window=window(known)))
    assert truth == {
        "capacitor_switching_plan": plan,
        "recommended_compensation": pytest.approx((optimal - STEPS) * step_var),
        "expected_power_factor": 0.95,
    }
    assert agreement("reactive_power", {"capacitor_switching_plan": plan}, truth) is True
    other = [{"bank": BANK.name, "present": 1, "target": 3}]
    assert agreement("reactive_power", {"capacitor_switching_plan": other}, truth) is False
    assert agreement("reactive_power", {}, truth) is None


def test_compare__request_of_another_state__the_seconds_own_labels_are_not_its_truth(told, request_of):
    episode = request_of(told(states([TEST_DAY]))[NAMES[0]])
    said = {
        "monitoring": {
            "phase_imbalance": {"status": "ok", "imbalance_class": "balanced"},
            "frequency_stability": {"status": "ok", "trend": "stable"},
        },
        "request_id": "r",
        "snapshot": "s",
        "inference_time_ms": 1.0,
    }
    asked = compare(episode, said, ("phase_imbalance", "frequency_stability"))
    imbalance, frequency = asked.comparisons
    assert (imbalance.truth, imbalance.agrees, asked.vuf_pct) == ({}, None, None)
    # The frequency is the seconds' own.
    assert frequency.agrees is True
