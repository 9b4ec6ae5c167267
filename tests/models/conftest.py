"""A home with the synthetic campaign of the tiny profile, and every model trained on it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from flows import resolving
from switchyard.home import Home
from switchyard.profiles import Profile, load_profile
from tests.models.synthetic.campaign import COUNTS, write_dataset


@pytest.fixture(scope="session")
def profile() -> Profile:
    """The tiny profile with three trials of every model."""
    from models.catalogue import NAMES

    tiny = load_profile("tiny")
    tuning = msgspec.structs.replace(tiny.tuning, trials=dict.fromkeys(NAMES, 3))
    return msgspec.structs.replace(tiny, tuning=tuning)


@pytest.fixture(scope="session")
def campaign(tmp_path_factory, profile) -> Home:
    """A home with the synthetic datasets of the tiny profile."""
    resolving.provide()
    home = Home(tmp_path_factory.mktemp("campaign"))
    for substation in profile.substations:
        write_dataset(home, profile, substation, COUNTS)
    return home


@pytest.fixture(scope="session")
def folders(campaign, profile) -> dict[str, Path]:
    return {name: campaign.dataset(profile.dataset(name)) for name in profile.substations}


STEP = "5" * 64


@pytest.fixture(scope="session")
def trained(campaign, profile, folders):
    """Every model trained and registered in the campaign's home, by name."""
    from models import training
    from models.catalogue import NAMES

    return {
        name: training.train(name, profile, campaign, folders, STEP + name, tags={"claim": "none"})
        for name in NAMES
    }
