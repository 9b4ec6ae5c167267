"""Canaries: which points a challenger answers for, taken up without a restart, whole requests on one side."""

import asyncio
import json
import subprocess
import sys

import pytest

from serving.challengers import SLOTS, slot
from serving.description import catalogue
from serving.errors import SnapshotError
from serving.intake import infer
from serving.limits import Limits
from serving.live import Live
from serving.routing import Challenge, Routing, change, hundredths, read_routing, write_routing
from switchyard.errors import UsageError

NAME = "voltage_anomaly"


@pytest.fixture(scope="module")
def challenged(tmp_path_factory, make_publisher):
    """A home whose snapshot holds version 2 of `voltage_anomaly` as challenger of version 1."""
    publisher = make_publisher(tmp_path_factory.mktemp("challenged"))
    publisher.publish("1", challenger="2")
    return publisher.home


@pytest.fixture
def live(challenged):
    write_routing(challenged, Routing())
    return Live(challenged, (), Limits())


def ask(home, live, challenge):
    """Take the challenge up and return the engine."""
    write_routing(home, Routing(challenges={} if challenge is None else {NAME: challenge}))
    asyncio.run(live.refresh())
    return live.engine


def versions(engine, item):
    """Version that answers at each point of both substations, in one batch."""
    sites = [site for site in engine.sites if site.kind != "system"]
    items = [item(substation=site.substation, point=site.point) for site in sites]
    answer = json.loads(infer(engine, json.dumps({"items": items, "models": [NAME]}).encode(), "r"))
    return {
        (site.substation, site.point): one["monitoring"][NAME]["model_version"]
        for site, one in zip(sites, answer["items"], strict=True)
        if "problem" not in one
    }


def test_slot__a_point__the_same_on_every_machine_and_spread_evenly():
    assert slot("mumbai", "DTX1.LV") == 9902
    assert slot("delhi", "DTX1.LV") != slot("mumbai", "DTX1.LV")
    places = [slot("mumbai", f"F{k}") for k in range(4000)]
    assert min(places) >= 0
    assert max(places) < SLOTS
    for share in (0.1, 0.5, 0.9):
        assert sum(place < share * SLOTS for place in places) / 4000 == pytest.approx(share, abs=0.03)


def test_slot__another_process_with_another_hash_seed__the_same():
    script = (
        "from serving.challengers import slot; import sys; sys.stdout.write(str(slot('mumbai', 'DTX1.LV')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) == slot("mumbai", "DTX1.LV")


def test_canary__raised_step_by_step__points_stay_with_the_challenger_and_versions_tell(
    challenged, live, item
):
    before: set[tuple[str, str]] = set()
    for percent in (0.0, 10.0, 25.0, 50.0, 75.0, 100.0):
        engine = ask(challenged, live, Challenge("2", percent, shadow=True))
        answered = versions(engine, item)
        assert len(answered) > 20
        taken = {point for point, version in answered.items() if version == f"{NAME}:2"}
        assert taken == {point for point in answered if slot(*point) < 100 * percent}
        assert before <= taken
        before = taken
    assert before == set(answered)
    assert set(versions(ask(challenged, live, None), item).values()) == {f"{NAME}:1"}


def test_canary__taken_up_while_serving__earlier_engine_is_left_as_it_was(challenged, live, item):
    old = ask(challenged, live, None)
    new = ask(challenged, live, Challenge("2", 100.0))
    assert new is not old
    assert new.snapshot == old.snapshot
    assert set(versions(old, item).values()) == {f"{NAME}:1"}
    assert set(versions(new, item).values()) == {f"{NAME}:2"}
    asyncio.run(live.refresh())
    assert live.engine is new


def test_canary__version_that_the_snapshot_does_not_hold__champion_answers_and_state_says_so(
    challenged, live, item
):
    engine = ask(challenged, live, Challenge("3", 100.0))
    assert set(versions(engine, item).values()) == {f"{NAME}:1"}
    assert catalogue(engine).challengers_waiting == [f"{NAME}:3"]


@pytest.mark.parametrize(
    "damage",
    [b"{", b'{"schema": 9}', b'{"challenges": {"voltage_anomaly": {"version": "2", "canary_percent": 101}}}'],
)
def test_routing__damaged_file__what_was_asked_before_holds(challenged, live, item, damage):
    engine = ask(challenged, live, Challenge("2", 100.0))
    challenged.routing.write_bytes(damage)
    with pytest.raises(SnapshotError, match=r"routing\.json"):
        read_routing(challenged)
    asyncio.run(live.refresh())
    assert live.engine is engine
    assert set(versions(live.engine, item).values()) == {f"{NAME}:2"}


def test_catalogue__canary_and_shadow__state_of_champion_and_challenger(challenged, live):
    engine = ask(challenged, live, Challenge("2", 50.0, shadow=True))
    state = catalogue(engine)
    (model,) = (one for one in state.models if one.name == NAME)
    champion, challenger = model.published
    assert (champion.role, champion.canary_percent, champion.shadow) == ("champion", None, False)
    assert (challenger.role, challenger.model_version) == ("challenger", f"{NAME}:2")
    assert (challenger.canary_percent, challenger.shadow) == (50.0, True)
    expected = {f"{s.substation}/{s.point}" for s in engine.sites if slot(s.substation, s.point) < 5000}
    assert set(challenger.canary_points) == expected
    assert 0 < len(expected) < len(list(engine.sites))
    assert state.routes["delhi"][NAME] == f"{NAME}:1"
    assert 0 <= state.age_s < 600
    assert 0 <= champion.age_s < 600


def test_change__several_models__kept_apart_and_taken_out_when_nothing_is_asked(tmp_path, make_publisher):
    home = make_publisher(tmp_path).home
    change(home, "voltage_sag", lambda _: Challenge("4", canary_percent=5.0))
    change(home, NAME, lambda _: Challenge("2", shadow=True))
    before, after = change(home, "voltage_sag", lambda _: Challenge("4"))
    assert set(before.challenges) == {"voltage_sag", NAME}
    assert after == read_routing(home) == Routing(challenges={NAME: Challenge("2", shadow=True)})


@pytest.mark.parametrize("percent", [-1.0, 100.5, 0.001])
def test_hundredths__no_share_in_hundredths__refused(percent):
    with pytest.raises(UsageError, match="in steps of"):
        hundredths(percent)
