"""States of the grid whose margins follow from what is known of them: the table `stability`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from data_contracts.tables.stability import ELEMENTS, KNOWN, MARGINS, STABILITY
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part


def write_states(folder: Path, substation: str, count: int) -> None:
    """The table `stability`: margins follow from load, line loading and reserve; the last state has none."""
    rng = np.random.default_rng(len(substation))
    known = {name: rng.uniform(0.5, 1.5, count) for name in KNOWN}
    load = rng.uniform(2500, 6500, count)
    loading, reserve = rng.uniform(40, 120, count), rng.uniform(50, 500, count)
    hidden = rng.normal(0, 5, (3, count))
    margins = {
        "voltage": 170 - load / 50 + hidden[0],
        "outages": 150 - loading + hidden[1],
        "frequency": 30 + reserve / 4 + hidden[2],
    }
    scores = np.clip(np.stack([margins[name] for name in MARGINS]), 0, 100)
    least, score = scores.argmin(axis=0), scores.min(axis=0)
    day = np.arange(count) % 40
    begin = START + 86400.0 * day + 3600.0 * rng.integers(0, 18, count)
    status = np.array(["ok"] * (count - 1) + ["infeasible"])
    solved = status == "ok"
    high = loading > 80
    known |= {
        "load_metered_mw": load,
        "neighbour_load_metered_mw": load * rng.uniform(0.4, 1.5, count),
        "loading_max_metered_pct": loading,
        "primary_reserve_declared_mw": reserve,
        "v_min_metered_pu": 1.02 - load / 1e5,
    }
    # A quiet grid, whose failures leave all margins as they are.
    level = {"branch_in_service": 1.0, "plant_units_in_service": 2.0, "plant_v_set_pu": 1.0,
             "bus_v_metered_pu": 1.0, "unit_metered_mw": 20.0, "bus_metered_mw": 280.0 / 39}  # fmt: skip
    elements = {
        name: pa.FixedSizeListArray.from_arrays(
            np.full(count * STABILITY.column(name).length, level.get(name, 0.0)),
            STABILITY.column(name).length,
        ).cast(pa.list_(pa.float64()))
        for name in ELEMENTS
    }
    numbers = {**known, "score": score, **{f"score_{name}": scores[k] for k, name in enumerate(MARGINS)}}
    texts = {
        "stability_class": np.where(score > 80, "stable", np.where(score >= 60, "marginal", "unstable")),
        "limited_by": np.array(MARGINS)[least],
        "limiting_contingency": np.where(high, "line-b01-b02", "line-b02-b03"),
        "worst_contingency": np.where(high, "line-b26-b27", "line-b15-b16"),
        "largest_infeed": np.where(reserve > 300, "unit-b34-coal", "unit-b35-coal"),
    }
    stability = {
        "scenario_id": [str(ScenarioId(substation, "tiny", 7, "contingency", k)) for k in range(count)],
        "t": pa.array((begin * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "status": status,
        **{name: pa.array(values, mask=~solved) for name, values in {**numbers, **texts}.items()},
        **elements,
    }
    write_part(folder, "stability", "contingency", stability)
