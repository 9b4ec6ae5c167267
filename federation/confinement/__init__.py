"""A site process can open the program and its own dataset, and no other; it writes to scratch only.

Two layers. The kernel (Landlock, Linux 5.13 and later) allows reading below listed folders only, whichever
library opens a file. The interpreter's audit hook, on every system, refuses what Python code opens below the
protected folders, with an error that says so. A hook cannot be taken off again, and neither can Landlock.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from federation.confinement.audit import refuse_below
from federation.confinement.landlock import restrict
from federation.errors import FederationError

ROOMS = (
    "switchyard", "data_contracts", "substations", "features", "models", "federation", "simulation", "flows",
)  # fmt: skip
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a site process may read.

    Attributes:
        own: Its dataset folder.
        protected: Folders of which nothing but `own` may be opened: the home and the other sites' datasets.
        extra: Folders that it may read besides, such as a user's own substation descriptions.
        scratch: Empty folder for temporary files, the only one that it may write to; None for none.
    """

    own: Path
    protected: tuple[Path, ...]
    extra: tuple[Path, ...] = ()
    scratch: Path | None = None

    def enter(self) -> str:
        """Confine this process for the rest of its life.

        Returns:
            `landlock+audit`, or `audit` where the kernel has no Landlock.

        Raises:
            FederationError: A protected folder can still be listed.
        """
        for room in ROOMS:
            # The folder that they lie in cannot be searched for them any more.
            importlib.import_module(room)
        there = [folder for folder in self.protected if folder.exists()]
        extra = [folder for folder in self.extra if folder.is_dir()]
        own = [] if self.scratch is None else [self.scratch]
        # Libraries ask for the folder of temporary files when they are imported; finding it means writing.
        tempfile.tempdir = str(self.scratch) if own else tempfile.gettempdir()
        enforced = restrict([self.own, *extra, *program_folders()], own)
        if enforced:
            _must_refuse(there)
        refuse_below(self.protected, [self.own, *extra, *own])
        _must_refuse(there)
        return "landlock+audit" if enforced else "audit"


def program_folders() -> list[Path]:
    """Folders that hold the interpreter, its libraries and our packages, without what lies beside them."""
    rooms = [importlib.util.find_spec(room) for room in ROOMS]
    places: Iterable[str | os.PathLike[str]] = [
        *SYSTEM,
        *sysconfig.get_paths().values(),
        sys.prefix,
        sys.base_prefix,
        *(Path(spec.origin).parent for spec in rooms if spec is not None and spec.origin is not None),
    ]
    folders = {Path(place).resolve() for place in places}
    return sorted(folder for folder in folders if folder.is_dir() and folder != Path("/"))


def _must_refuse(folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            next(folder.iterdir(), None)
        except PermissionError:
            continue
        raise FederationError(
            f"confinement: {folder} can still be listed",
            "keep SWITCHYARD_HOME outside the Python installation",
        )
