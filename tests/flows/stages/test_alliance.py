from __future__ import annotations

import msgspec
import pytest

from federation.errors import FederationError, TooFewSitesError
from flows.job import Job
from flows.stages.alliance import choose
from switchyard.errors import UsageError


@pytest.fixture
def job(tmp_path) -> Job:
    return Job.of("quick", str(tmp_path / "home"))


def test_choose__nothing_named__is_every_model_of_the_list_at_all_training_substations(job):
    found = choose(job)
    assert found.models == job.profile.federation.models
    assert found.job == job
    assert found.everyone


def test_choose__substations_named__only_these_take_part_in_the_profiles_order(job):
    found = choose(job, "phase_imbalance", ["delhi", "mumbai", "delhi"])
    assert found.models == ("phase_imbalance",)
    assert found.job.profile.training == ("mumbai", "delhi")
    assert found.job.profile.held_out == job.profile.held_out
    assert not found.everyone


def test_choose__fewer_than_two__says_so(job):
    with pytest.raises(TooFewSitesError, match="only delhi can take part, and a global model needs two"):
        choose(job, "phase_imbalance", ["delhi"])


def test_choose__a_quorum_that_is_not_there__says_so(job):
    with pytest.raises(TooFewSitesError, match="the quorum is 4 substations"):
        choose(job, "phase_imbalance", quorum=4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "load_balancing"}, "load_balancing is not federated"),
        ({"substations": ["pune", "delhi"]}, "has no training substation 'pune'"),
        ({"substations": ["chennai", "delhi"]}, "chennai is held out"),
        ({"aggregation": "krum"}, "there is no aggregation 'krum'"),
    ],
)
def test_choose__what_is_not_there__is_wrong_use(job, options, said):
    with pytest.raises(UsageError, match=said):
        choose(job, **options)


def test_choose__robust__needs_five_substations_and_weights(job):
    with pytest.raises(TooFewSitesError, match="a median needs 5 substations"):
        choose(job, "frequency_stability", aggregation="median")
    five = ("mumbai", "delhi", "bangalore", "pune", "jaipur")
    more = msgspec.structs.replace(job.profile, training=five)
    wider = Job(job.home, more, job.settings)
    assert choose(wider, "frequency_stability", aggregation="median").terms.robust
    with pytest.raises(FederationError, match="has no weights to average"):
        choose(wider, aggregation="median")
