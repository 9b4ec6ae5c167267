"""A busbar with a capacitor bank in a state whose best size was solved, from the table `compensation`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from itertools import cycle
from typing import Any

import numpy as np

from data_contracts.columns import PHASES
from data_contracts.dataset import Dataset
from data_contracts.station import StationFacts
from flows.contexts.losses import numbers
from flows.contexts.told import Told, ends, is_test
from models.bank_rows import TABLE
from substations.description import Substation
from substations.station import station_facts

_KNOWN = (
    "t", "point", "p_fed_metered_w", "q_fed_metered_var", "v_metered_pu", "v_infeed_metered_pu",
    "p_feeders_metered_w", "q_feeders_metered_var", "taps", "capacitor_steps", "ambient_c",
)  # fmt: skip
_SOLVED = ("bank", "steps", "optimal_var", "power_factor")


def compensations(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Meters of a bank's bay, of every feeder and of the infeed in a test state for each episode.

    A state is one of its own, no moment of an episode: the bay's readings are the state's too. What is truly
    so is the size of bank that the circuit, solved again, wants in it, and the bay's power factor then.
    """
    import pyarrow.compute as pc

    table = dataset.read(TABLE, columns=["scenario_id", "status", *_KNOWN, *_SOLVED])
    states = sorted(
        table.filter(pc.field("status") == "ok").to_pylist(),
        key=lambda state: (state["t"], state["scenario_id"], state["bank"]),
    )
    tested = [state for state in states if is_test(state["t"].timestamp(), substation, start)]
    facts = station_facts(substation)
    # A small campaign has few states, and the first episodes are other topics': they are taken in turn.
    return {
        name: _told(state, substation, facts)
        for name, state in zip(ends(dataset, episodes), cycle(tested), strict=False)
    }


def _told(state: Mapping[str, Any], substation: Substation, facts: StationFacts) -> Told:
    bank = next(one for one in facts.banks if one.name == state["bank"])
    drawn = zip(facts.feeders, state["p_feeders_metered_w"], state["q_feeders_metered_var"], strict=True)
    context = {
        "ambient_c": round(state["ambient_c"], 2),
        "tap": numbers(state["taps"]),
        "capacitor_steps": numbers(state["capacitor_steps"]),
        "station": {
            "feeders": {name: {"p_w": round(p_w, 1), "q_var": round(q_var, 1)} for name, p_w, q_var in drawn},
            "v_infeed_v": round(state["v_infeed_metered_pu"] * facts.v_nom_v, 1),
        },
    }
    truth = {name: state[name] for name in _SOLVED} | {"bank_steps": bank.steps, "rated_var": bank.q_var}
    return Told(state["point"], context, truth, reading=_reading(state, substation))


def _reading(state: Mapping[str, Any], substation: Substation) -> dict[str, list[float]]:
    """What the bay's instruments say; each phase has its part of the sums, all that the table has."""
    v = state["v_metered_pu"] * 1e3 * substation.point(state["point"]).nominal_kv / np.sqrt(3.0)
    # The table counts what the bay feeds in, readings what flows out of the busbar.
    p, q = -state["p_fed_metered_w"] / len(PHASES), -state["q_fed_metered_var"] / len(PHASES)
    phase = {"v": v, "i": np.hypot(p, q) / v, "p": p, "q": q}
    return {channel: [round(float(value), 2)] * len(PHASES) for channel, value in phase.items()}
