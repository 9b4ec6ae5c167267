"""What a serving worker needs is free to use and to pass on."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

LOCK = Path(__file__).parents[2] / "requirements/serving.txt"
PERMISSIVE = re.compile(
    r"apache|\bmit\b|bsd|\bisc\b|python software foundation|\bpsf\b|python-2\.0|unlicense|zlib|0bsd|mpl-2\.0|"
    r"mozilla public license 2\.0|hpnd|cnri",
    re.IGNORECASE,
)
BINDING = re.compile(
    r"(?<![a-z])a?l?gpl|gnu general|gnu affero|gnu lesser|sspl|commercial|proprietary", re.IGNORECASE
)


def locked():
    """Names of the packages in the lock that belong on this machine."""
    text = LOCK.read_text().replace("\\\n", " ")
    lines = [line.partition(" --hash")[0].strip() for line in text.splitlines() if line[:1].isalnum()]
    requirements = [Requirement(line) for line in lines]
    return [one.name for one in requirements if one.marker is None or Marker(str(one.marker)).evaluate()]


def licence(name):
    """What a package says of its licence: expression, classifiers, or the first line of its licence field."""
    metadata = distribution(name).metadata
    classifiers = [one for one in metadata.get_all("Classifier", []) if one.startswith("License ::")]
    said = metadata.get("License-Expression") or "; ".join(classifiers)
    field = (metadata.get("License") or "").strip().splitlines()
    return said or (field[0] if field else "")


def test_lock__names_packages():
    assert {"bentoml", "uvicorn", "msgspec", "onnxruntime"} <= set(locked())
    assert len(locked()) > 30


@pytest.mark.parametrize("name", locked())
def test_package_of_the_serving_group__licence__is_permissive(name):
    said = licence(name)
    assert PERMISSIVE.search(said), f"{name} says {said!r}"
    assert not BINDING.search(said) or " OR " in said, f"{name} says {said!r}"
