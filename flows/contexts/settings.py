"""The whole station in a quarter of an hour of which every setting was solved, from the table `controls`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from itertools import cycle

import numpy as np

from data_contracts.dataset import Dataset
from flows.contexts.in_time import InTime
from flows.contexts.losses import KNOWN, TRUE, numbers, station_context
from flows.contexts.told import Told, ends
from models import columns
from models.setting_rows import TABLE
from models.splits import TEST, day_of, split_of_day
from models.station_rows import TABLE as STATES
from substations.description import Substation
from substations.station import station_facts

_SOLVED = ("scenario_id", "t", "present", "status", "taps", "capacitor_steps", "loss_w")
_LIMITS = ("violations", "overloads")


def settings(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Feeders, infeed and regulators of a test state for each episode, and what each setting truly loses.

    A state is one of its own, no moment of an episode: the readings are the infeed's, the context the
    state's.
    """
    states = dataset.read(STATES, columns=["scenario_id", "status", *KNOWN, *TRUE])
    solved = _solved(dataset, substation, start)
    tested = sorted(
        (
            state
            for state in states.to_pylist()
            if state["status"] == "ok" and (state["scenario_id"], state["t"]) in solved
        ),
        key=lambda state: (state["t"], state["scenario_id"]),
    )
    load = InTime.of(dataset.read("load", columns=["point", "t", "p_w", "q_var"]))
    facts, point = station_facts(substation), substation.infeeds[0].point
    found = {}
    # Few states have every setting solved, and the first episodes are other topics': they are taken in turn.
    for name, state in zip(ends(dataset, episodes), cycle(tested), strict=False):
        drawn = {row["point"]: row for row in load.at(state["t"].timestamp())}
        context = station_context(state, drawn, substation, facts)
        truth = {one: state[one] for one in TRUE} | {"settings": solved[state["scenario_id"], state["t"]]}
        found[name] = Told(point, context, truth)
    return found


def _solved(
    dataset: Dataset, substation: Substation, start: date
) -> dict[tuple[str, datetime], list[dict[str, object]]]:
    """Every setting of each state of the test days, by the state's scenario and time."""
    table = dataset.read(TABLE, columns=[*_SOLVED, *_LIMITS])
    day = day_of(columns.seconds(table).astype(np.float64), start, substation.utc_offset_s)
    found: dict[tuple[str, datetime], list[dict[str, object]]] = {}
    for row in table.filter(split_of_day(day) == TEST).to_pylist():
        found.setdefault((row["scenario_id"], row["t"]), []).append(
            {
                "taps": numbers(row["taps"]),
                "capacitor_steps": numbers(row["capacitor_steps"]),
                "present": row["present"],
                "loss_w": row["loss_w"] if row["status"] == "ok" else None,
                "within_limits": row["status"] == "ok" and not any(row[name] for name in _LIMITS),
            }
        )
    return found
