"""Frequency of a system that swings after a step of power: the table `frequency`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part

EPISODE_S, STEPS_A_SECOND = 900, 5


def swing(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Frequency of n episodes, one of two with a step of power after ten minutes: columns [n, seconds].

    2H·f′/f₀ = ΔP + governor − D·Δf in explicit steps; the governor follows beyond its deadband after a lag.
    """
    inertia, damping, droop = rng.uniform(3, 6, n), rng.uniform(0.5, 1.5, n), rng.uniform(8, 14, n)
    onset = np.where(rng.random(n) < 0.5, rng.uniform(620, 860, n), np.inf)
    step = rng.choice([-1, 1], n) * np.exp(rng.uniform(np.log(0.01), np.log(0.06), n))
    f, governor, noise = np.zeros(n), np.zeros(n), np.zeros(n)
    true = np.zeros((n, EPISODE_S))
    dt = 1 / STEPS_A_SECOND
    for k in range(EPISODE_S * STEPS_A_SECOND):
        noise += -noise * dt / 20 + 4e-4 * np.sqrt(dt) * rng.normal(size=n)
        power = noise + step * (k * dt >= onset)
        wanted = -droop * (f - np.clip(f, -3e-4, 3e-4)) - 2e-3 * f / 3e-4
        governor += (wanted - governor) * dt / 4
        f += dt * (power + governor - damping * f) / (2 * inertia)
        true[:, k // STEPS_A_SECOND] += 50 * f / STEPS_A_SECOND
    since = np.arange(1, EPISODE_S + 1) - onset[:, None]
    return {
        "f_true_hz": 50 + true,
        "f_hz": np.round(50 + true + rng.normal(0, 3e-4, true.shape), 3),
        "since_onset_s": np.where(since > 0, since, np.nan),
        "shed_pu": np.zeros(true.shape),
    }


def write_frequency(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `frequency` of `count` episodes spread over forty days; a reading in five hundred is lost."""
    drawn = swing(rng, count)
    ids = [str(ScenarioId(substation, "tiny", 7, "frequency", index)) for index in range(count)]
    begin = START + 86400.0 * (np.arange(count) * 7 % 40) + 1800.0
    t = (begin[:, None] + np.arange(EPISODE_S)).astype(np.int64) * 1000
    lost = rng.random(drawn["f_hz"].shape) < 0.002
    drawn["f_hz"][lost] = np.nan
    columns = {
        "scenario_id": np.repeat(ids, EPISODE_S),
        "t": pa.array(t.ravel(), pa.timestamp("ms", tz="UTC")),
        "quality": np.where(lost, 2, 0).astype(np.int8).ravel(),
        **{name: pa.array(values.ravel(), from_pandas=True) for name, values in drawn.items()},
    }
    write_part(folder, "frequency", "frequency", columns)
