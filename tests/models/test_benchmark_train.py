"""`python -m benchmarks.train` on tiny data: what it prints, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments):
    """The command as it is typed in a checkout; benchmarks are not packaged."""
    command = [sys.executable, "-m", "benchmarks.train", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def one_model(tmp_path, profile):
    """The tiny profile with one trial of its quickest model."""
    replace = msgspec.structs.replace
    small = replace(
        profile,
        models=("energy_loss",),
        tuning=replace(profile.tuning, trials={"energy_loss": 1}),
        federation=replace(profile.federation, models=()),
    )
    path = tmp_path / "one.yaml"
    path.write_bytes(msgspec.yaml.encode(small))
    return path


@pytest.mark.slow
def test_main__one_model__prints_its_costs_as_the_last_line(campaign, one_model):
    before = {path for path in campaign.root.rglob("*") if path.is_file()}

    ended = run("--home", campaign.root, "--profile", one_model)

    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout.splitlines()[-1])
    found = printed["models"]["energy_loss"]
    stages = ("load", "tune", "fit", "evaluate", "compile", "plot", "register")
    assert set(found["seconds"]) == set(stages)
    assert found["trials"] == 1
    assert found["rows"] > 0
    assert found["compared_rows"] > 0
    assert found["flips"] == 0
    assert 0 <= found["largest_difference"] < 1e-5
    assert found["compiled_us"] > 0
    assert found["products"] == pytest.approx(found["cpu_s"] / found["product_s"], rel=0.02)
    assert 50 < found["peak_mb"] == printed["peak_mb"]
    assert printed["cpu_s"] == pytest.approx(found["cpu_s"], abs=0.1)
    # The home that lends its data stays as it is.
    assert {path for path in campaign.root.rglob("*") if path.is_file()} == before


def test_main__model_that_is_not_in_the_profile__says_which_are():
    ended = run("--profile", "tiny", "--models", "phase_imbalance,oracle")
    assert ended.returncode != 0
    assert "oracle" in ended.stderr
    assert "voltage_anomaly" in ended.stderr
