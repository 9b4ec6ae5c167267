"""Asking for canaries, with a real registry: the challenger is in the snapshot before it is asked."""

import msgspec
import pytest

from flows.challenges import ask
from flows.job import Job
from flows.stages import serving
from models import registry, tracking
from models.errors import RegistryError
from serving.pull import CURRENT_RUN, EXPERIMENT, SHA256, SNAPSHOT
from serving.routing import Challenge, read_routing
from serving.snapshot import current_name, open_snapshot
from switchyard.errors import SwitchyardError, UsageError
from switchyard.profiles import load_profile
from switchyard.settings import get_settings
from tests.serving.registering import register

NAME = "voltage_anomaly"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def job(tmp_path_factory, make_publisher):
    publisher = make_publisher(tmp_path_factory.mktemp("challenges"))
    first = publisher.compiler.voltage_anomaly("one")
    second = publisher.compiler.voltage_anomaly("two", low=-0.2)
    register(publisher.home, first, NAME)
    register(publisher.home, second, NAME, alias=registry.CHALLENGER)
    profile = msgspec.structs.replace(load_profile("tiny"), models=(NAME,))
    return Job(publisher.home, profile, get_settings())


@pytest.fixture
def change(job):
    def changed(percent, version=None, publish=None):
        return ask(
            job.home,
            NAME,
            lambda asked: msgspec.structs.replace(asked, canary_percent=percent),
            publish or (lambda: serving.publish(job)),
            version,
        )

    return changed


def manifest(job):
    return open_snapshot(job.home, current_name(job.home)).manifest


def announced(job):
    client = tracking.connect(job.home).client
    run_id = client.get_experiment_by_name(EXPERIMENT).tags[CURRENT_RUN]
    return client.get_run(run_id).data.tags


def test_canary__from_nothing_to_champion__published_when_needed_and_over_when_promoted(job, change):
    with pytest.raises(SwitchyardError, match="publish first"):
        change(10.0)
    serving.publish(job)
    assert manifest(job).challengers == {}
    assert announced(job)[SNAPSHOT] == manifest(job).name
    assert len(announced(job)[SHA256]) == 64

    asked = change(10.0)
    assert asked.published
    assert asked.challenge == Challenge("2", 10.0)
    assert (manifest(job).champions, manifest(job).challengers) == ({NAME: "1"}, {NAME: "2"})
    assert all(entry.registered_at is not None for entry in manifest(job).models)
    assert announced(job)[SNAPSHOT] == asked.snapshot == manifest(job).name

    raised = change(25.0)
    assert not raised.published
    assert read_routing(job.home).challenges == {NAME: Challenge("2", 25.0)}
    with pytest.raises(UsageError, match="version 1 is the champion"):
        change(5.0, version=1)
    with pytest.raises(RegistryError, match="no voltage_anomaly@9"):
        change(5.0, version=9)
    assert read_routing(job.home).challenges == {NAME: Challenge("2", 25.0)}

    registry.crown(job.home, NAME, 2, instead_of=1)
    published = serving.publish(job)
    assert (published.versions, published.challengers) == ({NAME: "2"}, {})
    assert manifest(job).challengers == {}
    assert read_routing(job.home).challenges == {}

    def fails():
        raise SwitchyardError("the disk is full")

    with pytest.raises(SwitchyardError, match="disk is full"):
        change(5.0, version=1, publish=fails)
    assert read_routing(job.home).challenges == {}


def test_ask__model_that_is_not_served__refused_naming_those_that_are(job):
    if current_name(job.home) is None:
        serving.publish(job)
    with pytest.raises(UsageError, match=f"choose one of {NAME}"):
        ask(job.home, "voltage_sag", lambda asked: asked, lambda: None)
