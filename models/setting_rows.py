"""Rows of the table `controls`: a station in one quarter of an hour, and what each setting would lose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.circuit import CircuitFacts
from data_contracts.dataset import Dataset
from data_contracts.station import StationFacts
from features.context import circuit as group
from models import columns, station_rows
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import TRAIN
from substations import read as read_substation
from substations.description import Substation
from substations.station import station_facts

if TYPE_CHECKING:
    import pyarrow as pa

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

TABLE = "controls"
WIDTH = 2401
"""Settings of a state that rows have room for: seven positions of three groups, by seven of the banks."""

MOST_OTHERS = 400
"""Further training states of `losses`, spread evenly; they teach what resistances truly lose."""

REACH, LOSS, BROKEN, COUNTED = "reach", "setting_loss_w", "setting_broken", "counted"

_READ = ("scenario_id", "t", "status", "taps", "capacitor_steps", "loss_w", "violations", "overloads")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """States whose settings were solved, and further ones to train on.

    The truth columns `setting_loss_w` and `setting_broken` [n, WIDTH] hold every setting within `reach` by
    its place (`place_of`), NaN where there is none.

    Raises:
        DataError: A state has more settings than there is room for, or no row is left.
    """
    substation = read_substation(dataset.substation)
    built = station_rows.build(dataset, definition, start, _features_of(dataset))
    rows, circuit = built.rows, station_facts(substation).circuit
    table = dataset.read(TABLE, columns=list(_READ))
    at = _states(rows, table)
    counted = np.zeros(len(rows), dtype=bool)
    counted[at[at >= 0]] = True
    others = np.flatnonzero(~counted & (rows.split == TRAIN))
    if substation.role == "held_out":
        others = others[:0]
    others = others[:: max(1, -(-others.size // MOST_OTHERS))]
    kept = np.sort(np.concatenate([np.flatnonzero(counted), others]))
    place = np.full(len(rows), -1, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    rows = rows.select(kept)
    truth = _settings(circuit, rows, table, np.where(at >= 0, place[at], -1))
    return replace(built, rows=replace(rows, truth={**rows.truth, **truth, COUNTED: counted[kept]}))


def place_of(circuit: CircuitFacts, tap: Float, reach: int, values: Ints) -> Ints:
    """Place of settings among all within reach of n states, [n]; −1 for one that is not within reach.

    Args:
        circuit: The station.
        tap: Present position of each link, [n, links].
        reach: Positions to either side.
        values: Position of each link and steps of each bank, [n, links + banks].
    """
    links = len(circuit.links)
    most = [2 * reach + 1 if link.ratios else 1 for link in circuit.links]
    most += [bank.steps + 1 for bank in circuit.banks]
    digits = values.copy()
    tapped = np.array([bool(link.ratios) for link in circuit.links])
    digits[:, :links] = np.where(tapped, digits[:, :links] - np.rint(tap).astype(np.int64) + reach, 0)
    inside = ((digits >= 0) & (digits < np.array(most))).all(axis=1)
    found = np.zeros(len(values), dtype=np.int64)
    for column, count in enumerate(most):
        found = found * count + digits[:, column]
    return np.where(inside, found, -1)


def standing_of(circuit: CircuitFacts, rows: Rows) -> group.Standing:
    """What rows of one station say of its feeders and regulators."""
    feeders, links, banks = len(circuit.lines), len(circuit.links), len(circuit.banks)
    return group.Standing(
        p_w=rows.inputs(group.P[:feeders]),
        q_var=rows.inputs(group.Q[:feeders]),
        tap=rows.inputs(group.TAP[:links]),
        steps=rows.inputs(group.STEPS[:banks]),
    )


def _features_of(dataset: Dataset) -> station_rows.More:
    def more(table: pa.Table, substation: Substation, facts: StationFacts) -> dict[str, Float]:
        metered = {
            name: columns.floats(table, name) for name in ("p_metered_w", "q_metered_var", "p_metered_low_w")
        }
        t = columns.seconds(table)
        p_w, q_var = _drawn(dataset, substation, t)
        low = np.array(facts.low)
        share = np.zeros_like(p_w)
        for kind, total in (
            (low, metered["p_metered_low_w"]),
            (~low, metered["p_metered_w"] - metered["p_metered_low_w"]),
        ):
            share[:, kind] = p_w[:, kind] * (total / p_w[:, kind].sum(axis=1))[:, None]
        reactive = q_var * (metered["q_metered_var"] / q_var.sum(axis=1))[:, None]
        standing = group.Standing(
            share,
            reactive,
            _by_text(columns.names(table, "taps"), lambda known: group.tap_of(facts.circuit, known)),
            _by_text(
                columns.names(table, "capacitor_steps"), lambda known: group.steps_of(facts.circuit, known)
            ),
        )
        known = np.isfinite(share).all(axis=1) & np.isfinite(reactive).all(axis=1)
        found = np.where(known[:, None], group.compute(standing, facts.circuit), np.nan)
        return {feature.name: found[:, place] for place, feature in enumerate(group.FEATURES)}

    return more


def _drawn(dataset: Dataset, substation: Substation, t: Ints) -> tuple[Float, Float]:
    """Load of every feeder in the quarters that begin at t, [n, f]; NaN where it is not known."""
    table = dataset.read("load", columns=["point", "t", "p_w", "q_var"])
    point, when = columns.names(table, "point"), columns.seconds(table)
    values = [columns.floats(table, name) for name in ("p_w", "q_var")]
    found = np.full((2, t.size, len(substation.feeders)), np.nan)
    for column, feeder in enumerate(substation.feeders):
        own = np.flatnonzero(point.isin((feeder.point,)))
        if own.size:
            own = own[np.argsort(when[own])]
            place = np.minimum(np.searchsorted(when[own], t), own.size - 1)
            same = when[own][place] == t
            for k, value in enumerate(values):
                found[k, :, column] = np.where(same, value[own][place], np.nan)
    return found[0], found[1]


def _by_text(texts: Names, read: Callable[[dict[str, int]], list[float]]) -> Float:
    """`read` of each text such as `AT1:9,DTX1:10`, as numbers by name, [n, …]."""
    found = []
    for text in texts.texts:
        pairs = (pair.split(":") for pair in text.split(",") if ":" in pair)
        found.append(read({name: int(number) for name, number in pairs}))
    return np.array(found, dtype=np.float64).reshape(len(found), -1)[texts.codes]


def _states(rows: Rows, table: pa.Table) -> Ints:
    """Row of each setting's state, [settings]; −1 where there is none."""
    place = {
        (name, t): row
        for row, (name, t) in enumerate(zip(rows.episode.array(), rows.t.tolist(), strict=True))
    }
    scenario = columns.names(table, "scenario_id").array()
    t = columns.seconds(table).astype(np.float64)
    return np.array([place.get(key, -1) for key in zip(scenario, t.tolist(), strict=True)], dtype=np.int64)


def _settings(circuit: CircuitFacts, rows: Rows, table: pa.Table, at: Ints) -> dict[str, NDArray[np.generic]]:
    """Loss of every setting of the rows, and whether it breaks a limit or has no solution."""
    own = np.flatnonzero(at >= 0)
    taps = _by_text(columns.names(table, "taps"), lambda known: group.tap_of(circuit, known))[own]
    steps = _by_text(columns.names(table, "capacitor_steps"), lambda known: group.steps_of(circuit, known))[
        own
    ]
    state = at[own]
    present = standing_of(circuit, rows).tap[state]
    reach = int(np.abs(taps - present).max(initial=0.0))
    values = np.concatenate([taps, steps], axis=1).astype(np.int64)
    place = place_of(circuit, present, reach, values)
    if place.max(initial=0) >= WIDTH or place.min(initial=0) < 0:
        raise DataError(f"{TABLE}: a state has more than {WIDTH} settings", "simulate a smaller window")
    loss = np.full((len(rows), WIDTH), np.nan, dtype=np.float32)
    broken = np.ones((len(rows), WIDTH), dtype=bool)
    solved = columns.names(table, "status").isin(("ok",))[own]
    limits = [columns.floats(table, name)[own] for name in ("violations", "overloads")]
    loss[state, place] = columns.floats(table, "loss_w")[own]
    broken[state, place] = ~solved | (limits[0] > 0) | (limits[1] > 0)
    return {LOSS: loss, BROKEN: broken, REACH: np.full(len(rows), reach, dtype=np.int64)}
