"""Who answers where: a registry with federated versions and the substations' own, published and asked."""

import json

import msgspec
import pytest

from flows.job import Job
from flows.stages import routes, serving
from models import registry
from models.tracking import STEP_KEY
from serving.engine import Engine
from serving.intake import infer
from serving.snapshot import current_name, open_snapshot
from switchyard.profiles import load_profile
from switchyard.settings import get_settings
from tests.serving.registering import register

NAME = "voltage_anomaly"
SITES = ("delhi", "mumbai")

pytestmark = pytest.mark.timeout(900)


def federate(home, compiler, key, losses):
    """A global version and one of each site, with the sites' losses before and after."""
    at = f"{key}-global"
    tags = {STEP_KEY: key, "contributors": ",".join(SITES)}
    made = register(home, compiler.voltage_anomaly(at), NAME, {**tags, "trained_by": "federated"})
    for site, (before, after) in losses.items():
        own = {
            **tags,
            "trained_by": "fine_tuned",
            "helped": "yes" if after < before else "no",
            "validation_loss_of_global": str(before),
            "validation_loss": str(after),
        }
        register(home, compiler.voltage_anomaly(f"{key}-{site}", low=-0.3), f"{NAME}.{site}", own)
    return made


@pytest.fixture(scope="module")
def job(tmp_path_factory, make_publisher):
    publisher = make_publisher(tmp_path_factory.mktemp("routes"))
    home, compiler = publisher.home, publisher.compiler
    pooled = {"trained_by": "pooled", STEP_KEY: "p"}
    assert register(home, compiler.voltage_anomaly("pooled"), NAME, pooled) == 1
    assert federate(home, compiler, "first", {"delhi": (0.5, 0.4), "mumbai": (0.5, 0.6)}) == 2
    assert federate(home, compiler, "second", {"delhi": (0.4, 0.41), "mumbai": (0.4, 0.3)}) == 3
    profile = msgspec.structs.replace(load_profile("tiny"), models=(NAME,))
    return Job(home, profile, get_settings())


@pytest.fixture
def crowned(job):
    """Makes a version champion and publishes."""

    def publish(version):
        now = registry.get(job.home, NAME, registry.CHAMPION).version
        if now != version:
            registry.crown(job.home, NAME, version, instead_of=now)
        return serving.publish(job)

    return publish


def answering(job, item):
    engine = Engine.load(job.home, current_name(job.home))
    return {
        site: json.loads(infer(engine, json.dumps(item(substation=site)).encode(), "r"))["monitoring"][NAME][
            "model_version"
        ]
        for site in SITES
    }


def test_publish__pooled_champion__own_versions_of_another_model_take_nobodys_place(job, crowned, item):
    published = crowned(1)
    assert published.routes == {site: {NAME: NAME} for site in SITES}
    assert published.versions == {NAME: "1"}
    assert answering(job, item) == dict.fromkeys(SITES, f"{NAME}:1")


def test_publish__federated_champion__a_site_that_it_helped_is_answered_by_its_own(job, crowned, item):
    published = crowned(2)
    assert published.routes == {"delhi": {NAME: f"{NAME}.delhi"}, "mumbai": {NAME: NAME}}
    assert published.versions == {NAME: "2", f"{NAME}.delhi": "1"}
    assert answering(job, item) == {"delhi": f"{NAME}.delhi:1", "mumbai": f"{NAME}:2"}
    assert open_snapshot(job.home, published.snapshot).manifest.routes == published.routes


def test_publish__a_later_federation_is_champion__own_versions_are_those_tuned_from_it(job, crowned, item):
    published = crowned(3)
    assert published.routes == {"delhi": {NAME: NAME}, "mumbai": {NAME: f"{NAME}.mumbai"}}
    assert answering(job, item) == {"delhi": f"{NAME}:3", "mumbai": f"{NAME}.mumbai:2"}
    assert registry.get(job.home, f"{NAME}.mumbai", registry.CHAMPION).version == 1


def test_publish__set_would_be_too_large__the_global_model_answers(job, crowned, monkeypatch):
    whole = crowned(2)
    manifest = open_snapshot(job.home, whole.snapshot).manifest
    size = sum(file.size for entry in manifest.models for file in entry.files)
    monkeypatch.setattr(routes, "LARGEST_SET", size)
    assert serving.publish(job).snapshot == whole.snapshot
    monkeypatch.setattr(routes, "LARGEST_SET", size - 1)
    published = serving.publish(job)
    assert published.routes == {site: {NAME: NAME} for site in SITES}
    assert published.versions == {NAME: "2"}
    assert len(open_snapshot(job.home, published.snapshot).manifest.models) == 1


def test_too_many__several__those_that_gained_least_go_first(job):
    own = {
        "m.a": registry.get(job.home, f"{NAME}.delhi", 1),
        "m.b": registry.get(job.home, f"{NAME}.mumbai", 2),
        "m.c": registry.get(job.home, f"{NAME}.delhi", 2),
    }
    sizes = {"m": routes.LARGEST_SET - 100, "m.a": 80, "m.b": 60, "m.c": 40}
    assert routes.too_many(sizes, own) == ["m.c", "m.a"]
    assert routes.too_many({**sizes, "m": 0}, own) == []
