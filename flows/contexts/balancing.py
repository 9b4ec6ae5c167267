"""Transformers, feeders and traction of a station, from the table `transfers`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from flows.contexts.told import Told, ends, is_test
from models.transfer_rows import TABLE, bays
from substations.description import Substation

_KNOWN = (
    "t", "sections", "traction", "v_metered_v", "p_metered_w", "q_metered_var", "p_traction_metered_w",
    "q_traction_metered_var", "imbalance_pct",
)  # fmt: skip
_OUTCOME = ("moves", "reduction_pct", "permitted")


def balancings(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Meters and switches of a test state for each episode, and what every arrangement truly does.

    A state is one of its own, no moment of an episode: the readings are the infeed's, the context the
    state's.
    """
    table = dataset.read(TABLE, columns=["scenario_id", "status", "present", *_KNOWN, *_OUTCOME])
    present = table.filter(table["present"]).to_pylist()
    moved: dict[str, dict[str, tuple[float, bool]]] = {}
    for row in table.select(["scenario_id", "status", *_OUTCOME]).to_pylist():
        if row["status"] == "ok":
            outcome = (row["reduction_pct"], bool(row["permitted"]))
            moved.setdefault(row["scenario_id"], {})[row["moves"]] = outcome
    solved = [state for state in present if state["status"] == "ok"]
    states = sorted(solved, key=lambda state: str(state["scenario_id"]))
    tested = [state for state in states if is_test(state["t"].timestamp(), substation, start)]
    point = substation.infeeds[0].point
    return {
        name: Told(
            point,
            {"station": _station(state, substation)},
            {"imbalance_pct": state["imbalance_pct"], "arrangements": moved[state["scenario_id"]]},
        )
        for name, state in zip(ends(dataset, episodes), tested, strict=False)
    }


def _station(state: Mapping[str, Any], substation: Substation) -> dict[str, Any]:
    points = {point.id: k for k, point in enumerate(substation.points)}
    v, p, q = (
        np.array(state[name]).reshape(-1, 3) for name in ("v_metered_v", "p_metered_w", "q_metered_var")
    )
    hung, pairs = _places(state["sections"]), _places(state["traction"])
    feeders = {}
    for feeder in substation.feeders:
        at = points[feeder.point]
        feeders[feeder.id] = {
            "p_w": round(float(p[at].sum()), 1),
            "q_var": round(float(q[at].sum()), 1),
            "bus": hung.get(feeder.id, feeder.bus),
            "phases": {"p": _rounded(p[at]), "q": _rounded(q[at])},
        }
    transformers = {
        unit: {"v": _rounded(v[points[bay]]), "p": _rounded(p[points[bay]]), "q": _rounded(q[points[bay]])}
        for unit, bay in bays(substation).items()
    }
    powers = zip(state["p_traction_metered_w"], state["q_traction_metered_var"], strict=True)
    traction = {
        supply.id: {"phases": pairs[supply.id], "p_w": round(p_w, 1), "q_var": round(q_var, 1)}
        for supply, (p_w, q_var) in zip(substation.traction, powers, strict=True)
    }
    return {"feeders": feeders, "transformers": transformers, "traction": traction}


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(value, 1) for value in values.tolist()]


def _places(text: str) -> dict[str, str]:
    """Places by name of a text such as `F331:lv2,F332:lv1`."""
    return dict(pair.split(":") for pair in text.split(",") if ":" in pair)
