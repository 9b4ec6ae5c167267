"""Smaller versions of `python -m benchmarks.resilience`, on small models."""

import json

import pytest

from benchmarks.resilience import deaths, fuzz, overload, versions
from benchmarks.resilience.mutations import cases
from benchmarks.resilience.service import EXAMPLES, copied, served


@pytest.fixture
def home(publisher, tmp_path):
    publisher.publish("1")
    return copied(publisher.home.root, tmp_path / "copy")


def test_cases__same_seed__same_requests_of_every_kind():
    items = [json.loads((EXAMPLES / name).read_text()) for name in ("normal.json", "overload.json")]
    once, again = [*cases(items, 400, 5)], [*cases(items, 400, 5)]
    assert once == again
    assert len({case.kind for case in once}) == 14


@pytest.mark.slow
def test_fuzz__a_thousand_cases__only_documented_answers_and_no_5xx(home, tmp_path):
    with served(home, tmp_path) as service:
        found = fuzz.fuzz(service, 1000, seed=3)
    assert found["fuzz_5xx"] == found["fuzz_undocumented"] == found["fuzz_unanswered"] == 0, found[
        "fuzz_wrong"
    ]
    assert found["fuzz_workers_lost"] == 0
    assert {"200", "400", "415", "422"} <= set(found["fuzz_statuses"])


@pytest.mark.slow
def test_swaps__under_load__no_request_fails_and_no_answer_is_mixed(home, tmp_path):
    with served(home, tmp_path) as service:
        found = versions.swaps(service, tmp_path, 6)
    assert found["swap_failed_requests"] == found["swap_mixed_answers"] == 0
    assert found["swap_requests"] > 100


@pytest.mark.slow
def test_artefacts__damaged_in_every_way__refused_with_alarm_while_the_old_one_answers(home, tmp_path):
    with served(home, tmp_path) as service:
        found = versions.artefacts(service, tmp_path)
    assert found["artefact_kinds"] == len(versions.DAMAGES)
    assert found["artefact_failed_requests"] == found["artefact_wrongly_taken"] == 0, found["artefacts"]


@pytest.mark.slow
def test_kill__one_of_two_workers__only_what_it_had_at_work_fails(home, tmp_path):
    found = deaths.kill(home, tmp_path, kills=1)
    assert found["kill_failed_requests"] <= found["kill_at_work"]


@pytest.mark.slow
def test_registry__mad_slow_and_gone__nobody_asks_it(home, tmp_path):
    found = deaths.registry(home, tmp_path, 2.0)
    assert found["registry_failed_requests"] == found["registry_asked"] == found["registry_connections"] == 0


@pytest.mark.slow
def test_overload__ten_times_capacity__most_of_it_still_answered(home, tmp_path):
    with served(home, tmp_path) as service:
        found = overload.overload(service, 5.0)
    assert found["overload_other"] == 0
    assert found["overload_goodput_ratio"] > 0.5  # the load's own work takes its share of a busy machine
