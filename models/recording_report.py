"""How the served frequency forecast does on a measured recording, beside what one would use instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import bootstrap, compilation, registry, ridge
from models.catalogue import definition
from models.errors import DataError
from models.frequency_regimes import HORIZON_S
from models.frequency_rivals import READINGS, autoregression, fit_ridge
from models.metrics import mean_of
from models.pool import load
from models.recording import Recording, read
from models.ridge import Ridge
from models.runtime import CompiledModel
from models.sequences import HISTORY_NAMES, Series
from models.splits import TRAIN, VALIDATION
from switchyard.files import read_json, write_json_atomic
from switchyard.home import Home
from switchyard.identity import generator
from switchyard.log import get_logger
from switchyard.profiles import Profile

NAME = "frequency_stability"
BLOCK_S = 600
"""Errors of neighbouring seconds resemble each other: intervals resample blocks of ten minutes."""
VALIDATION_SHARE = 0.8
FEWEST = 100

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_log = get_logger("models.recording_report")


def evaluate(
    home: Home, profile: Profile, path: Path, *, time: str = "", frequency: str = ""
) -> dict[str, Any]:
    """Judge the champion on a recording and write `reports/recordings/<name>.json`.

    Compared on the second half: the champion as it is served; persistence; the ridge autoregression of its
    own evaluation, fitted on the simulated training episodes of this home, where they are there; and the same
    regression fitted on the recording's first half, which the champion has never seen.

    Args:
        home: Holds the registry, the simulated datasets and the reports.
        profile: Says which datasets the champion's opponent is fitted on.
        path: CSV file with a row a second.
        time: Name of its column of times; found otherwise.
        frequency: Name of its column of frequencies; found otherwise.

    Returns:
        What was written: counts, and the mean absolute error 5 s ahead of each forecast with its interval.

    Raises:
        DataError: The file is no such recording, or too short.
        RegistryError: There is no champion.
    """
    recording = read(path, time, frequency)
    series = _series(recording)
    at = np.flatnonzero(series.eligible() & series.complete() & _known_ahead(recording.f_hz))
    half = recording.f_hz.size // 2
    first, second = at[at + HORIZON_S < half], at[at >= half]
    if min(first.size, second.size) < FEWEST:
        raise DataError(
            f"{path}: {first.size} and {second.size} usable seconds in its halves, {FEWEST} are needed",
            "a second needs ten minutes before it, ten readings without a gap, and a reading 5 s later",
        )
    version = registry.get(home, NAME, registry.CHAMPION)
    forecasts = _forecasts(home, profile, recording, series, first)
    truth = recording.f_hz[second + HORIZON_S] - recording.f_hz[second]
    errors = {name: 1000.0 * np.abs(forecast(second) - truth) for name, forecast in forecasts.items()}
    result = {
        "recording": recording.name,
        "model": NAME,
        "version": version.version,
        "nominal_hz": recording.nominal_hz,
        "rows": recording.rows,
        "dropouts": recording.dropouts,
        "misplaced": recording.misplaced,
        "missing": recording.missing,
        "windows": int(second.size),
        "horizon_s": HORIZON_S,
        "forecasts": _intervals(errors, second // BLOCK_S),
    }
    write_json_atomic(home.reports / "recordings" / f"{recording.name}.json", result)
    return result


def _series(recording: Recording) -> Series:
    seconds = np.arange(recording.f_hz.size)
    return Series.of(recording.f_hz, seconds, np.zeros_like(seconds))


def _known_ahead(f_hz: Float) -> NDArray[np.bool_]:
    known = np.zeros(f_hz.size, dtype=bool)
    known[:-HORIZON_S] = np.isfinite(f_hz[HORIZON_S:])
    return known


def _forecasts(
    home: Home, profile: Profile, recording: Recording, series: Series, first: Int
) -> dict[str, Callable[[Int], Float]]:
    """Change over the horizon at given seconds, Hz, by the name of what foresees it."""

    def past(at: Int) -> Float:
        return autoregression(series.columns(at, recording.nominal_hz, (*READINGS, *HISTORY_NAMES)))

    served, inputs = _champion(home)
    change = recording.f_hz[first + HORIZON_S] - recording.f_hz[first]
    judging = np.arange(first.size) >= VALIDATION_SHARE * first.size
    own = ridge.fit(past(first[~judging]), change[~judging], past(first[judging]), change[judging])
    found: dict[str, Callable[[Int], Float]] = {
        "champion": lambda at: served(series.columns(at, recording.nominal_hz, inputs))[:, 0],
        "persistence": lambda at: np.zeros(at.size),
        "ridge fitted on its first half": lambda at: own.predict(past(at)),
    }
    simulated = _simulated_ridge(home, profile)
    if simulated is not None:
        found["ridge fitted on the simulation"] = lambda at: simulated.predict(past(at))
    return found


def _champion(home: Home) -> tuple[CompiledModel, tuple[str, ...]]:
    """The champion as it is served, and the names of its inputs."""
    with TemporaryDirectory() as work:
        folder = registry.download_compiled(home, NAME, registry.CHAMPION, Path(work) / "champion")
        model = CompiledModel((folder / compilation.MODEL_FILE).read_bytes())
        return model, tuple(read_json(folder / compilation.SPEC_FILE)["features"])


def _simulated_ridge(home: Home, profile: Profile) -> Ridge | None:
    folders = {name: home.dataset(profile.dataset(name)) for name in profile.substations}
    absent = [name for name, folder in folders.items() if not (folder / "manifest.json").exists()]
    if absent:
        _log.warning("no simulated dataset of %s here: the ridge fitted on it is left out", ", ".join(absent))
        return None
    pool = load(definition(NAME), profile, folders)
    return fit_ridge(pool.split(TRAIN), pool.split(VALIDATION), "announced")


def _intervals(errors: Mapping[str, Float], block: Int) -> list[dict[str, Any]]:
    """Mean absolute error of each forecast and its 95 % interval over blocks, smallest first."""
    present, place = np.unique(block, return_inverse=True)
    resamples = bootstrap.draw(present.size, generator(NAME, "recording", "bootstrap"))
    metric = mean_of("mae_mhz", "counted", "absolute_mhz")
    rows = []
    for name, error in errors.items():
        terms = (np.ones(error.size), error)
        sums = np.stack([np.bincount(place, weights=part) for part in terms], axis=1).astype(np.float64)
        low, high = bootstrap.interval(bootstrap.values(metric, sums, resamples))
        rows.append({"forecast": name, "mae_mhz": float(error.mean()), "low": low, "high": high})
    return sorted(rows, key=lambda row: float(row["mae_mhz"]))
