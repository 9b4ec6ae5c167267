"""Ten minutes of power quality by the published formula, with the windows in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

import features
from data_contracts.quality_index import (
    GRADES,
    INDICATORS,
    Limits,
    State,
    grade_codes,
    index_of,
    pst_limit,
    ratios,
)
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part
from tests.models.synthetic.phasors import POINTS, SECONDS, V_NOM, WINDOW, draw, true_voltages


def write_quality(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """Two windows a point of `count` episodes, and their ten minutes by the published formula."""
    n = count * len(POINTS)
    drawn = draw(rng, "normal", n)
    limits = Limits(*(np.full(n, x) for x in (0.909091, 1.09091, 3.0, 5.0, 3.0, pst_limit(33.0), 0.5)))
    size = np.exp(rng.normal(np.log(0.4), 0.8, (2, n)))
    sagged = rng.random(n) < 0.15
    depth = np.where(sagged, rng.uniform(0.15, 0.6, n), 0.0)
    thd, pst, share = 5.0 * size[0], 0.9 * size[1], rng.uniform(0.7, 1.0, n)
    metered = np.cbrt(pst**3 + (17.58 * depth) ** 3) * rng.normal(1, 0.02, n)
    state = State(
        np.abs(drawn.phasor[:, -1]), true_voltages(drawn.phasor[:, -1:])["vuf_pct"], thd, share * thd, pst,
        depth / 0.5, np.abs(rng.normal(0, 0.05, n)),
    )  # fmt: skip
    found = ratios(state, limits)
    ripple = (pst / 100.0)[:, None, None] * rng.uniform(0.8, 1.2, (n, WINDOW, 3))
    ids = [str(ScenarioId(substation, "tiny", 7, "quality", index)) for index in range(count)]
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 10800.0
    scenario, point = np.repeat(ids, len(POINTS)), np.tile(sorted(POINTS), count)
    index = index_of(found)
    write_part(
        folder, "power_quality", "quality",
        {
            "scenario_id": scenario, "point": point,
            "t": pa.array((begin * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
            "index": index, "metered_index": np.clip(index + rng.normal(0, 5, n), 0, 100),
            "pst": pst, "thd_pct": thd, "harmonic_pct": share * thd, "flagged": sagged,
            "u_min_pu": 1.0 - depth, "u_max_pu": np.full(n, 1.02), "event_s": np.where(sagged, 0.1, 0.0),
            "swells": np.zeros(n, dtype=np.int32),
            "grade": np.array(GRADES)[grade_codes(index)],
            "worst": np.array(INDICATORS)[found.argmax(axis=1)],
        },
    )  # fmt: skip
    write_part(
        folder, "scenarios", "quality", {"scenario_id": ids, "parameters": ['{"start_s": 300.5}'] * count}
    )
    parts = []
    for end in (WINDOW, SECONDS):
        v = drawn.v[:, end - WINDOW : end] * V_NOM
        windows = features.Windows.from_arrays(
            v=v, i=np.full_like(v, 400.0), p=-v * 380.0, q=-v * 124.0,
            f=50.0 + np.repeat(rng.choice([-1, 1], (n, 1)) * state.f_dev_hz[:, None], WINDOW, axis=1),
            t_end=begin + 580.0 + end - 1,
            nominals=features.PointNominals(V_NOM, 1000.0, 50e6, 50.0, 19800.0),
            v_ll=drawn.v_ll[:, end - WINDOW : end] * V_NOM * np.sqrt(3), v_min=v * (1 - ripple),
            v_max=v * (1 + ripple), pst=np.repeat(metered[:, None], WINDOW, axis=1),
            thd=thd[:, None, None] * rng.normal(1, 0.03, (n, 1, 3)) * np.ones((1, WINDOW, 1)),
        )  # fmt: skip
        parts.append((windows, features.compute(windows)))
    computed = np.concatenate([part for _, part in parts])
    ends = np.concatenate([windows.t_end for windows, _ in parts])
    table = {
        "scenario_id": np.tile(scenario, 2),
        "point": np.tile(point, 2),
        "t": pa.array((ends * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        **{name: computed[:, at] for at, name in enumerate(features.NAMES)},
    }
    write_part(folder, "features", "quality", table)
