from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from federation.confinement import landlock, program_folders


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("confined")
    home = root / "home"
    for name in ("delhi", "mumbai"):
        folder = home / "data" / f"quick.{name}"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(name)
    (home / "data" / "quick.delhi" / "link.json").symlink_to(home / "data" / "quick.mumbai" / "manifest.json")
    (home / "mlflow.db").write_bytes(b"db")
    (root / "elsewhere.txt").write_text("secret")
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("attempts.py"), home],
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(ran.stdout)


def test_site__own_dataset__can_be_opened(found):
    assert found["own"] == "opened: 'delhi'"
    assert found["arrow_own"] == "opened: 'delhi'"


@pytest.mark.parametrize(
    "way", ["other", "by_descriptor", "relative", "link", "listing", "registry", "writing"]
)
def test_site__anything_else_of_the_home__is_refused_by_name(found, way):
    assert found[way].startswith("AccessRefusedError: this site may not touch ")
    assert "its own rows are in" in found[way]


@pytest.mark.skipif(not landlock.available(), reason="this kernel has no Landlock")
def test_site__library_that_opens_files_itself__is_refused_by_the_kernel(found):
    assert found["layers"] == "landlock+audit"
    assert found["arrow_other"].startswith("PermissionError")
    assert found["keras_other"].startswith("PermissionError")
    assert found["elsewhere"].startswith("PermissionError")


def test_site__temporary_files__lie_in_its_scratch_folder(found):
    assert found["temporary"] == "opened: 1"


@pytest.mark.skipif(not landlock.available(), reason="this kernel has no Landlock")
def test_site__anything_outside_its_scratch_folder__cannot_be_written(found):
    assert found["own_written"].startswith("PermissionError")
    assert found["beside"].startswith("PermissionError")


def test_site__keras__trains_in_a_confined_process(found):
    assert found["keras_own"] == "opened: 'delhi'"


def test_site__power_flow__is_solved_in_a_confined_process(found):
    assert found["power_flow"] == "opened: True"


def test_program_folders__whatever_is_installed__hold_no_home():
    assert not any(Path.home() == folder or folder == Path("/") for folder in program_folders())
