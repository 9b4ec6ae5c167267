"""Run by test_confinement.py in a process of its own, since a confinement cannot be taken off again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from federation.confinement import Confinement


def by_arrow(path: Path) -> str:
    from pyarrow import fs

    return fs.LocalFileSystem().open_input_file(str(path)).read().decode()


def main(home: Path) -> dict[str, str]:
    own, other = home / "data" / "quick.delhi", home / "data" / "quick.mumbai"
    found = {"layers": Confinement(own, (home,)).enter()}
    attempts: dict[str, Callable[[], object]] = {
        "own": (own / "manifest.json").read_text,
        "other": (other / "manifest.json").read_text,
        "by_descriptor": lambda: os.open(other / "manifest.json", os.O_RDONLY),
        "relative": (own / ".." / "quick.mumbai" / "manifest.json").read_text,
        "link": (own / "link.json").read_text,
        "listing": lambda: list((home / "data").iterdir()),
        "registry": (home / "mlflow.db").read_bytes,
        "writing": lambda: (other / "new").write_text("x"),
        "arrow_own": lambda: by_arrow(own / "manifest.json"),
        "arrow_other": lambda: by_arrow(other / "manifest.json"),
        "elsewhere": (home.parent / "elsewhere.txt").read_text,
    }
    for name, attempt in attempts.items():
        try:
            found[name] = f"opened: {attempt()!r}"
        except OSError as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
