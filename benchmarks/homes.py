"""Homes with simulated data, on which benchmarks train and federate, and what one asks of them for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import alone, say
from switchyard.errors import UsageError


def arguments_of(module: str, text: str | None, profile: str) -> argparse.ArgumentParser:
    """Options of a benchmark on a home; `profile` is the default one."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=str(text).partition("\n")[0])
    parser.add_argument("--home", type=Path, help="a home with simulated data; without it they are simulated")
    parser.add_argument("--profile", default=profile, help="tiny, quick, full, or the path of a YAML file")
    parser.add_argument("--models", default="", help="names with commas between; all of the profile without")
    return parser


def chosen_among(known: Sequence[str], named: str, refusal: str) -> list[str]:
    """Models by names with commas between; all of `known` without any.

    Raises:
        UsageError: One is not known; its message begins with `refusal`.
    """
    chosen = [name.strip() for name in named.split(",") if name.strip()] or list(known)
    for name in chosen:
        if name not in known:
            raise UsageError(f"{refusal} {name!r}", f"choose among {', '.join(known)}")
    return chosen


def lent_or_simulated(home: Path | None, profile: str, folder: Path) -> Path:
    """The home that was given, else one that a process of its own simulates in `folder`."""
    return home.absolute() if home else alone(simulated, profile, folder)


def simulated(profile: str, folder: Path) -> Path:
    """A home with the profile's tables and features."""
    from flows.job import Job
    from flows.stages import data

    job = Job.of(profile, str(folder))
    with data.Simulator(job, "processes") as simulator:
        grid = simulator.boundary()
        for name in job.profile.substations:
            say(f"simulating {name}")
            record = simulator.simulate(name, grid, lambda _: None)
            data.features(job, name, data.contract(job, name, record))
    return folder
