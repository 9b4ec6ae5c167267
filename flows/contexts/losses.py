"""The whole station in a quarter of an hour, from the tables `losses` and `load`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from data_contracts.dataset import Dataset
from data_contracts.station import StationFacts
from flows.contexts.in_time import InTime
from flows.contexts.told import QUARTER_S, Told, ends, is_test
from models.station_rows import PARTS, TABLE
from substations.description import Substation
from substations.station import station_facts

OLDEST_S = 3600
"""How long before the last reading the station's quarter may have begun."""

KNOWN = (
    "t", "p_metered_w", "q_metered_var", "p_metered_low_w", "v_metered_pu", "taps", "capacitor_steps",
    "ambient_c", "ghi_w_m2", "wind_m_s",
)  # fmt: skip
TRUE = ("total_w", "p_supplied_w", *(f"{part}_w" for part in PARTS), *(f"design_{part}" for part in PARTS))


def station_losses(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Feeders, infeed and regulators of the latest settled quarter before each episode, and what it lost.

    Left out are episodes in whose last hour no quarter was settled.
    """
    import pyarrow.compute as pc

    table = dataset.read(TABLE, columns=["status", *KNOWN, *TRUE]).filter(pc.field("status") == "ok")
    states = InTime.of(table)
    load = InTime.of(dataset.read("load", columns=["point", "t", "p_w", "q_var"]))
    facts = station_facts(substation)
    point = substation.infeeds[0].point
    found = {}
    for name, now in ends(dataset, episodes).items():
        began = states.between(1000 * (now - OLDEST_S), 1000 * (now - QUARTER_S))
        if not began or not is_test(began[-1]["t"].timestamp(), substation, start):
            continue
        state = began[-1]
        drawn = {row["point"]: row for row in load.at(state["t"].timestamp())}
        context = station_context(state, drawn, substation, facts)
        found[name] = Told(point, context, {one: state[one] for one in TRUE})
    return found


def station_context(
    state: Mapping[str, Any],
    drawn: Mapping[str, Mapping[str, Any]],
    substation: Substation,
    facts: StationFacts,
) -> dict[str, Any]:
    """What a request says of a state of the table `losses`, with the load of each feeder by its point."""
    return {
        "ambient_c": round(state["ambient_c"], 2),
        "weather": {name: round(state[name], 2) for name in ("wind_m_s", "ghi_w_m2")},
        "tap": numbers(state["taps"]),
        "capacitor_steps": numbers(state["capacitor_steps"]),
        "station": {
            "feeders": _feeders(state, drawn, substation, facts),
            "v_infeed_v": round(state["v_metered_pu"] * facts.v_nom_v, 1),
        },
    }


def _feeders(
    state: Mapping[str, Any],
    drawn: Mapping[str, Mapping[str, Any]],
    substation: Substation,
    facts: StationFacts,
) -> dict[str, dict[str, float]]:
    """Power of every feeder: what the bays' instruments have of all together, shared as the load is."""
    own = {feeder.id: drawn[feeder.point] for feeder in substation.feeders}
    low = dict(zip(facts.feeders, facts.low, strict=True))
    metered = {True: state["p_metered_low_w"], False: state["p_metered_w"] - state["p_metered_low_w"]}
    served = {kind: sum(own[name]["p_w"] for name in own if low[name] is kind) for kind in metered}
    reactive = state["q_metered_var"] / sum(row["q_var"] for row in own.values())
    return {
        name: {
            "p_w": round(row["p_w"] * metered[low[name]] / served[low[name]], 1),
            "q_var": round(row["q_var"] * reactive, 1),
        }
        for name, row in own.items()
    }


def numbers(text: str | None) -> dict[str, int]:
    """Numbers by name of a text such as `AT1:9,DTX1:10`."""
    pairs = (pair.split(":") for pair in (text or "").split(",") if ":" in pair)
    return {name: int(number) for name, number in pairs}
