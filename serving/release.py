"""Releases: the current snapshot and the code that serves it, as one Bento for stations without a network."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import msgspec

from serving.engine import Engine
from serving.errors import SnapshotError
from serving.frozen import HOME, OWN_SUBSTATIONS
from serving.snapshot import current_name, open_snapshot
from switchyard.digests import sha256_file
from switchyard.errors import ConfigurationError, SwitchyardError
from switchyard.files import rename_into, write_text_atomic
from switchyard.home import Home
from switchyard.log import get_logger

ROOMS = ("switchyard", "data_contracts", "substations", "features", "serving")
"""Packages that a serving worker imports."""
SERVICE = "serving.frozen:SwitchyardService"
REQUIREMENTS = Path("requirements/serving.txt")
SUFFIX, DIGEST_SUFFIX = ".bento", ".sha256"
BUILD_S = 600.0

# Nothing is resolved or fetched while it is built: the lock file goes in as it is.
_BENTOFILE = f"""service: "{SERVICE}"
name: switchyard
include: ["*"]
python:
  requirements_txt: "./{REQUIREMENTS.as_posix()}"
  lock_packages: false
"""

_log = get_logger("release")


class ReleaseError(SwitchyardError):
    """A release cannot be made, or is not what was released."""


class Released(msgspec.Struct, frozen=True):
    """A release.

    Attributes:
        snapshot: Snapshot that it serves.
        file: Path of the archive.
        sha256: Its digest, also in the file beside it.
        size: Its size in bytes.
    """

    snapshot: str
    file: str
    sha256: str
    size: int


def release(home: Home, own_substations: Path | None = None, project: Path | None = None) -> Released:
    """Freeze the current snapshot into an archive below the home's `releases`.

    Args:
        home: The home.
        own_substations: Folder with substations of your own; they go along.
        project: Folder with `requirements/serving.txt` and `examples`; None takes the checkout of this code.

    Raises:
        SnapshotError: Nothing is published, or the snapshot is damaged or does not answer as it must.
        ReleaseError: BentoML could not build it.
        ConfigurationError: The lock file is not there.
    """
    name = current_name(home)
    if name is None:
        raise SnapshotError(f"{home.current} does not exist", "publish first: switchyard publish")
    # What a station would refuse is not released.
    open_snapshot(home, name).verify()
    Engine.load(home, name)
    scratch = home.root / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="release-", dir=scratch))
    try:
        context = folder / "context"
        _lay_out(home, name, context, own_substations, project or _checkout())
        built = _build(context, folder, name)
        target = home.releases / f"switchyard-{name}{SUFFIX}"
        digest = sha256_file(built)
        rename_into(built, target)
        write_text_atomic(_digest_file(target), f"{digest}  {target.name}\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _log.info("released %s", target)
    return Released(name, str(target), digest, target.stat().st_size)


def check(file: Path) -> Released:
    """Check a release: its archive against the digest beside it, its snapshot against the manifest's digests.

    Raises:
        ReleaseError: The archive or the digest is missing, they differ, or the archive cannot be read.
        SnapshotError: The snapshot in it is damaged.
    """
    beside = _digest_file(file)
    if not file.is_file() or not beside.is_file():
        raise ReleaseError(f"{file} and {beside.name} must lie beside each other", "copy both again")
    expected, _, named = beside.read_text(encoding="utf-8", errors="replace").strip().partition("  ")
    digest = sha256_file(file)
    if digest != expected or named != file.name:
        raise ReleaseError(
            f"{file.name}: SHA-256 {digest[:12]}…, {beside.name} says {expected[:12]}… of {named!r}",
            "copy both again from where they were released",
        )
    with tempfile.TemporaryDirectory(prefix="switchyard-check-") as folder:
        home = Home(Path(folder))
        _unpack_serving(file, home)
        name = current_name(home)
        if name is None:
            raise ReleaseError(f"{file.name} holds no snapshot", "release again")
        open_snapshot(home, name).verify()
    return Released(name, str(file), digest, file.stat().st_size)


def _lay_out(home: Home, name: str, context: Path, own_substations: Path | None, project: Path) -> None:
    """Lay out what goes into the Bento; of the home only the snapshot and its routing, no key and no log."""
    lock = project / REQUIREMENTS
    if not lock.is_file():
        raise ConfigurationError(f"{lock} does not exist", "release from a checkout of Switchyard")
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for room in ROOMS:
        shutil.copytree(_folder_of(room), context / room, ignore=ignore)
    (context / REQUIREMENTS).parent.mkdir()
    shutil.copy(lock, context / REQUIREMENTS)
    shutil.copytree(project / "examples", context / "examples", ignore=ignore)
    if own_substations is not None:
        shutil.copytree(own_substations, context / OWN_SUBSTATIONS, ignore=ignore)
    frozen = Home(context / HOME)
    shutil.copytree(home.snapshots / name, frozen.snapshots / name)
    write_text_atomic(frozen.current, f"{name}\n")
    if home.routing.is_file():
        shutil.copy(home.routing, frozen.routing)
    (context / "bentofile.yaml").write_text(_BENTOFILE, encoding="utf-8")


def _build(context: Path, folder: Path, version: str) -> Path:
    """Build and export the Bento in processes that see only `context`; returns the archive."""
    exported = folder / f"out{SUFFIX}"
    environment = {
        **{
            key: value for key, value in os.environ.items() if not key.startswith(("SWITCHYARD_", "BENTOML_"))
        },
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": str(context),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for words in (
        ("build", str(context), "--version", version),
        ("export", f"switchyard:{version}", str(exported)),
    ):
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "bentoml", *words],
            cwd=context,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_S,
        )
        if done.returncode:
            raise ReleaseError(f"bentoml {words[0]} ended with {done.returncode}: {_end(done)}")
    return exported


def _unpack_serving(file: Path, home: Home) -> None:
    """Unpack the frozen home of an archive; nothing lands outside of `home`."""
    inside = PurePosixPath("src", HOME)
    try:
        with tarfile.open(file, "r:*") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if not member.isreg() or not path.is_relative_to(inside):
                    continue
                own = path.relative_to(inside)
                content = tar.extractfile(member)
                if content is None or ".." in own.parts:
                    raise ReleaseError(f"{file.name} holds {member.name}, which no release does")
                # Not by `extract`: what keeps it inside a folder came with Python 3.11.4.
                target = home.root / own
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(content, out)
    except (tarfile.TarError, OSError) as error:
        raise ReleaseError(f"{file.name} cannot be read: {error}", "copy it again") from error


def _digest_file(file: Path) -> Path:
    return file.with_name(file.name + DIGEST_SUFFIX)


def _folder_of(room: str) -> Path:
    spec = importlib.util.find_spec(room)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the package {room} is not installed", "install the project again")
    return Path(spec.origin).parent


def _checkout() -> Path:
    return _folder_of("switchyard").parent


def _end(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-1500:].strip()
