"""What is missing on this machine, and what to do about it. Changes nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from switchyard.home import Home

GROUPS = {
    "serving": ("bentoml", "onnxruntime", "uvicorn", "uvloop", "httptools", "prometheus_client"),
    "simulation": ("altdss", "dss", "pandapower", "pyarrow", "pandas", "great_expectations"),
    "training": ("mlflow", "optuna", "sklearn", "keras", "tensorflow", "onnx", "onnxruntime", "matplotlib"),
    "orchestration": ("prefect", "fastapi"),
}
LEAST_DISK_GIB = 5.0
LEAST_MEMORY_GIB = 6.0
GIB = 2**30


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at.

    Attributes:
        name: What was looked at.
        state: `ok`, `warning` (works, with limits) or `missing` (does not work).
        found: What was found.
        remedy: What to do; empty when ok.
    """

    name: str
    state: Literal["ok", "warning", "missing"]
    found: str
    remedy: str = ""


def examine(home: Home) -> list[Finding]:
    """Look at the interpreter, the machine, the installed groups, the engines and the home."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _machine,
        lambda: _disk(home),
        _groups,
        _engine,
        lambda: _home(home),
        _loopback,
    )
    return [finding for look in looks for finding in look()]


def _python() -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        yield Finding("python", "ok", version)
    else:
        yield Finding(
            "python",
            "missing",
            version,
            "use Python 3.11 or 3.12: make clean, then make run PYTHON=python3.11",
        )


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if cores >= 2:
        yield Finding("cores", "ok", str(cores))
    else:
        yield Finding("cores", "warning", str(cores), "set SWITCHYARD_WORKERS=1 and expect twice the time")
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (ValueError, OSError):
        return
    if memory >= LEAST_MEMORY_GIB:
        yield Finding("memory", "ok", f"{memory:.0f} GiB")
    else:
        yield Finding(
            "memory", "warning", f"{memory:.1f} GiB", "set SWITCHYARD_WORKERS=1, or use the tiny profile"
        )


def _disk(home: Home) -> Iterator[Finding]:
    place = home.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / GIB
    if free >= LEAST_DISK_GIB:
        yield Finding("disk", "ok", f"{free:.0f} GiB free at {place}")
    else:
        yield Finding(
            "disk",
            "missing",
            f"{free:.1f} GiB free at {place}",
            "free 5 GiB, or set SWITCHYARD_HOME elsewhere",
        )


def _groups() -> Iterator[Finding]:
    for group, modules in GROUPS.items():
        absent = [module for module in modules if importlib.util.find_spec(module) is None]
        if absent:
            yield Finding(
                f"group {group}",
                "missing",
                f"lacks {', '.join(absent)}",
                f"make run, or pip install --require-hashes -r requirements/{group}.txt",
            )
        else:
            yield Finding(f"group {group}", "ok", "installed")


def _engine() -> Iterator[Finding]:
    if importlib.util.find_spec("altdss") is None:
        return
    try:
        from altdss import altdss
    except (ImportError, OSError) as error:
        yield Finding("OpenDSS", "missing", str(error), "install the simulation group again")
        return
    engine = altdss.NewContext()
    engine("clear")
    engine("new circuit.look basekv=33 pu=1.0 mvasc3=1000 mvasc1=900")
    engine("new load.one bus1=sourcebus kv=33 kw=1000 pf=0.95")
    engine("solve")
    if engine.Solution.Converged:
        yield Finding("OpenDSS", "ok", "compiles and solves")
    else:
        yield Finding(
            "OpenDSS",
            "missing",
            "a two-element circuit does not converge",
            "install the simulation group again",
        )


def _home(home: Home) -> Iterator[Finding]:
    place = home.root
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
            source = Path(folder) / "a"
            source.write_text("x")
            source.replace(Path(folder) / "b")
    except OSError as error:
        yield Finding(
            "home",
            "missing",
            f"{place}: {error.strerror}",
            "set SWITCHYARD_HOME to a folder you may write to",
        )
    else:
        yield Finding("home", "ok", str(home.root))


def _loopback() -> Iterator[Finding]:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as error:
        yield Finding("loopback", "missing", str(error), "allow sockets on 127.0.0.1")
    else:
        yield Finding("loopback", "ok", "a free port on 127.0.0.1")
