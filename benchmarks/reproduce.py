"""Whether a model comes out the same when it is made again: its figures, its parameters, its compiled files.

`python -m benchmarks.reproduce` makes everything twice from nothing, in two homes that share nothing:
simulated tables, then every model of the profile. The first time each model has a process of its own, the
second time one process trains them all in the opposite order, as processes of a run train several whose order
the clock decides: what a model leaves behind in its process must not change the next one. `--home <home>`
takes the tables of a home that has some, for both times, and leaves it as it is; `--models
phase_imbalance,voltage_sag` chooses. Progress goes to standard error; the last line of standard output is one
JSON object:

- `reproducible`: no figure of any model differs by more than `tolerance` of its size (of 1 where it is
  smaller), and neither are there other figures, parameters or tables; the exit code is 1 where it is false;
- `datasets`: whether each substation's tables have the same content by digest; empty with `--home`;
- of each model: `figures` compared, which are all rows of `reports/models.json` with their intervals,
  opponents, tree, oracle and bar; `largest_difference`, relative as above, and `at`, where it is;
  `parameters`, whether they are the same; `files`, whether each compiled file has the same bytes; `cpu_s`,
  processor time of both times.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.homes import arguments_of, simulated
from benchmarks.processes import ONE_THREAD, alone, processor_s, say
from benchmarks.train import KEY, models_of
from switchyard.profiles import load_profile

TOLERANCE = 1e-6
FIGURES = ("value", "low", "high", "opponent_value", "tree3", "oracle", "bar", "met")
TIMES = ("first", "second")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make everything twice, print the JSON line; 0 where both are the same, else 1."""
    given = arguments_of("benchmarks.reproduce", __doc__, "tiny").parse_args(arguments)
    chosen = models_of(given.profile, given.models)
    os.environ.update(ONE_THREAD)
    with TemporaryDirectory() as name:
        folders = {time: Path(name) / time for time in TIMES}
        if given.home is None:
            homes = {time: alone(simulated, given.profile, folder) for time, folder in folders.items()}
            datasets = same_datasets(given.profile, *homes.values())
        else:
            homes, datasets = dict.fromkeys(TIMES, given.home.absolute()), {}
        first: dict[str, Any] = {}
        for model in chosen:
            first |= alone(made, [model], given.profile, homes["first"], folders["first"])
        second = alone(made, chosen[::-1], given.profile, homes["second"], folders["second"])
    models = {model: compared(first[model], second[model]) for model in chosen}
    result = {
        "profile": given.profile,
        "tolerance": TOLERANCE,
        "reproducible": all(datasets.values()) and all(map(is_same, models.values())),
        "datasets": datasets,
        "models": models,
    }
    print(json.dumps(result, allow_nan=False, sort_keys=True))
    return 0 if result["reproducible"] else 1


def same_datasets(profile: str, *homes: Path) -> dict[str, bool]:
    """Whether each substation's tables have the same content in every home, by name of the dataset."""
    from data_contracts.dataset import Dataset
    from switchyard.home import Home

    sized = load_profile(profile)
    names = [sized.dataset(substation) for substation in sized.substations]
    return {
        name: len({Dataset.open(Home(home).dataset(name)).digest for home in homes}) == 1 for name in names
    }


def made(models: Sequence[str], profile: str, home: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Train models one after another in this process on the data in `home`; what came out, by model."""
    return {model: _made(model, profile, home, folder) for model in models}


def _made(model: str, profile: str, home: Path, folder: Path) -> dict[str, Any]:
    from flows import resolving
    from models import training
    from switchyard.home import Home

    resolving.provide()
    sized, data, into = load_profile(profile), Home(home), Home(folder)
    datasets = {name: data.dataset(sized.dataset(name)) for name in sized.substations}
    begin = processor_s()
    result = training.train(model, sized, into, datasets, KEY)
    cpu_s = processor_s() - begin
    say(f"{model}: {cpu_s:.1f} s of processor time")
    if result.version is None:
        raise RuntimeError(f"{model} was not registered")
    compiled = into.artifacts.glob(f"*/models/{result.version.model_id}/artifacts/compiled/*")
    return {
        "figures": dict(_figures(result.rows)),
        "parameters": result.params,
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in compiled},
        "cpu_s": cpu_s,
    }


def _figures(rows: Iterable[Any]) -> Iterable[tuple[str, float | None]]:
    for row in rows:
        for figure in FIGURES:
            yield f"{row.substation}/{row.slice}/{row.metric}/{figure}", getattr(row, figure)


def compared(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """One model made twice, each time as `made` has it."""
    apart = {
        name: difference(first["figures"].get(name), second["figures"].get(name))
        for name in {**first["figures"], **second["figures"]}
    }
    worst = max(apart, key=apart.__getitem__)
    return {
        "figures": len(apart),
        "largest_difference": apart[worst],
        "at": worst if apart[worst] > 0.0 else None,
        "parameters": first["parameters"] == second["parameters"],
        "files": {
            name: first["files"].get(name) == second["files"].get(name)
            for name in sorted({**first["files"], **second["files"]})
        },
        "cpu_s": round(first["cpu_s"] + second["cpu_s"], 1),
    }


def difference(one: float | None, other: float | None) -> float:
    """Difference of two figures by their size, by 1 where they are smaller; 1 where only one is defined."""
    if one is None or other is None:
        return 0.0 if one is other else 1.0
    return abs(one - other) / max(1.0, abs(one), abs(other))


def is_same(model: Mapping[str, Any]) -> bool:
    """Whether a model of `compared` came out the same."""
    return bool(model["largest_difference"] <= TOLERANCE and model["parameters"])


if __name__ == "__main__":
    sys.exit(main())
