"""Run by test_confinement.py in a process of its own, since a confinement cannot be taken off again."""

from __future__ import annotations

import json
import os
import pkgutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from federation.confinement import Confinement


def by_arrow(path: Path) -> str:
    from pyarrow import fs

    return fs.LocalFileSystem().open_input_file(str(path)).read().decode()


def by_keras(path: Path) -> str:
    """Train a network, then let TensorFlow read `path`, which it does by itself, without Python."""
    import numpy as np

    from models import keras_training, networks

    first = networks.initial(networks.Widths(4, 3, 2), 2, 1)
    X = np.random.default_rng(0).normal(size=(64, 10, 2)).astype(np.float32)
    after, _ = networks.train(first, X, X[:, -1, 0], networks.Course(epochs=1), 1)
    if all(np.array_equal(one, two) for one, two in zip(first, after, strict=True)):
        return "nothing was trained"
    tensorflow, _ = keras_training.libraries()
    try:
        return str(tensorflow.io.read_file(str(path)).numpy().decode())
    except tensorflow.errors.PermissionDeniedError as error:
        raise PermissionError(str(error)) from error


def by_power_flow() -> bool:
    """Solve the grid, whose engine is found and imported in the confined process."""
    import numpy as np

    from data_contracts.transmission import UNITS, bus_loads_mw
    from models.resolving import resolver

    load_mw = bus_loads_mw(np.array([4000.0]), np.full((1, 4), 200.0))[0]
    p_mw = np.array([unit.rated_mw for unit in UNITS])
    return resolver().solve(p_mw * load_mw.sum() / p_mw.sum(), load_mw, 0.25 * load_mw) is not None


def main(home: Path) -> dict[str, str]:
    own, other = home / "data" / "quick.delhi", home / "data" / "quick.mumbai"
    scratch = home.parent / "scratch"
    scratch.mkdir()
    pkgutil.resolve_name("flows.resolving:provide")()
    found = {"layers": Confinement(own, (home,), scratch=scratch).enter()}
    attempts: dict[str, Callable[[], object]] = {
        "own": (own / "manifest.json").read_text,
        "other": (other / "manifest.json").read_text,
        "by_descriptor": lambda: os.open(other / "manifest.json", os.O_RDONLY),
        "relative": (own / ".." / "quick.mumbai" / "manifest.json").read_text,
        "link": (own / "link.json").read_text,
        "listing": lambda: list((home / "data").iterdir()),
        "registry": (home / "mlflow.db").read_bytes,
        "writing": lambda: (other / "new").write_text("x"),
        "temporary": lambda: (Path(tempfile.mkdtemp()) / "new").write_text("x"),
        "own_written": lambda: (own / "new").write_text("x"),
        "beside": lambda: (home.parent / "new").write_text("x"),
        "arrow_own": lambda: by_arrow(own / "manifest.json"),
        "arrow_other": lambda: by_arrow(other / "manifest.json"),
        "keras_own": lambda: by_keras(own / "manifest.json"),
        "keras_other": lambda: by_keras(other / "manifest.json"),
        "power_flow": by_power_flow,
        "elsewhere": (home.parent / "elsewhere.txt").read_text,
    }
    for name, attempt in attempts.items():
        try:
            found[name] = f"opened: {attempt()!r}"
        except OSError as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
