"""Episodes of any kind: the tables `readings_truth` and `features`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

import features
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part
from tests.models.synthetic.phasors import POINTS, SECONDS, V_NOM, WINDOW, draw, true_voltages


def write_kind(folder: Path, substation: str, kind: str, count: int, rng: np.random.Generator) -> None:
    """One part of the tables `readings_truth` and `features` with `count` episodes spread over forty days."""
    n = count * len(POINTS)
    drawn = draw(rng, kind, n)
    ids = [str(ScenarioId(substation, "tiny", 7, kind, index)) for index in range(count)]
    scenario = np.repeat(ids, len(POINTS))
    point = np.tile(sorted(POINTS), count)
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 3600.0
    t = (begin[:, None] + np.arange(SECONDS)).astype(np.int64) * 1000
    key = {
        "scenario_id": np.repeat(scenario, SECONDS),
        "point": np.repeat(point, SECONDS),
        "t": pa.array(t.ravel(), pa.timestamp("ms", tz="UTC")),
    }
    acts = {
        "event": np.where(drawn.active, drawn.event[:, None], "none").ravel(),
        "severity": pa.array(np.repeat(drawn.severity, SECONDS), from_pandas=True),
        "active": drawn.active.ravel(),
    }
    write_part(folder, "readings_truth", kind, key | true_voltages(drawn.phasor) | acts)
    ends = np.array([WINDOW, SECONDS])
    cut = lambda x: np.concatenate([x[:, end - WINDOW : end] for end in ends])  # noqa: E731
    v = cut(drawn.v) * V_NOM
    i = np.full_like(v, 400.0)
    nominal = features.PointNominals(V_NOM, 1000.0, 50e6, 50.0, 19800.0)
    windows = features.Windows.from_arrays(
        v=v,
        i=i,
        p=-v * i * 0.95,
        q=-v * i * 0.31,
        f=np.full(v.shape[:2], 50.0),
        t_end=np.concatenate([t[:, end - 1] for end in ends]) / 1000.0,
        nominals=nominal,
        v_ll=cut(drawn.v_ll) * V_NOM * np.sqrt(3),
        v_min=cut(drawn.v_min) * V_NOM,
        v_max=cut(drawn.v_max) * V_NOM,
    )
    computed = features.compute(windows)
    table = {
        "scenario_id": np.tile(scenario, 2),
        "point": np.tile(point, 2),
        "t": pa.array((windows.t_end * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        **{name: computed[:, at] for at, name in enumerate(features.NAMES)},
    }
    write_part(folder, "features", kind, table)
