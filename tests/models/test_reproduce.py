"""`python -m benchmarks.reproduce` on tiny data: a model made twice is the same, and what differs is told."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.reproduce import TOLERANCE, compared, difference, is_same

ROOT = Path(__file__).parents[2]


@pytest.fixture
def one_model(tmp_path, profile):
    """The tiny profile with two trials of a model that takes little time."""
    replace = msgspec.structs.replace
    small = replace(
        profile,
        models=("energy_loss",),
        tuning=replace(profile.tuning, trials={"energy_loss": 2}),
        federation=replace(profile.federation, models=()),
    )
    path = tmp_path / "one.yaml"
    path.write_bytes(msgspec.yaml.encode(small))
    return path


@pytest.mark.slow
def test_main__one_model_in_two_homes_and_processes__is_the_same_to_the_byte(campaign, one_model):
    command = [sys.executable, "-m", "benchmarks.reproduce", "--home", campaign.root, "--profile", one_model]
    ended = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout.splitlines()[-1])
    found = printed["models"]["energy_loss"]
    assert printed["reproducible"] is True
    assert found["figures"] > 100
    assert (found["largest_difference"], found["at"]) == (0.0, None)
    assert found["parameters"] is True
    assert found["files"] == {"golden.json": True, "model.onnx": True, "spec.json": True}


def made(figures, depth=3, file="aa"):
    return {"figures": figures, "parameters": {"depth": depth}, "files": {"model.onnx": file}, "cpu_s": 1.0}


@pytest.mark.parametrize(
    ("second", "apart", "same"),
    [
        (made({"a": 1.0, "b": None}), 0.0, True),
        (made({"a": 1.0 + 1e-8, "b": None}), 1e-8, True),
        (made({"a": 1.001, "b": None}), 1e-3, False),
        (made({"a": 1.0, "b": 2.0}), 1.0, False),
        (made({"a": 1.0}), 0.0, True),
        (made({"a": 1.0, "b": None, "c": 0.5}), 1.0, False),
        (made({"a": 1.0, "b": None}, depth=4), 0.0, False),
    ],
)
def test_compared__figures_and_parameters__decide(second, apart, same):
    found = compared(made({"a": 1.0, "b": None}), second)
    assert found["largest_difference"] == pytest.approx(apart, rel=0.01)
    assert is_same(found) is same


def test_compared__another_file__is_told():
    found = compared(made({"a": 1.0}), made({"a": 1.0}, file="bb"))
    assert found["files"] == {"model.onnx": False}


def test_difference__large_figures__counts_by_their_size():
    assert difference(1e6, 1e6 + 0.5) < TOLERANCE < difference(1.0, 1.00001)
