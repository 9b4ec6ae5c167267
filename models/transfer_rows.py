"""Rows of the table `transfers`: a station in one state, its best moves by the meters, and what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

import substations
from data_contracts.dataset import Dataset
from data_contracts.movable import MovableFacts
from features.context import transfers
from features.rearrangement.arrangements import PAIRS, Move, code_of, moves_of
from features.rearrangement.outcomes import Alternatives, alternatives
from features.rearrangement.states import States
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows
from models.splits import split_of_episodes
from substations.description import Substation
from substations.errors import SubstationError
from substations.movable import SECOND, movable_facts
from substations.station import station_facts
from switchyard.log import get_logger

TABLE = "transfers"
RUNNING = ("no_traction", "one_supply", "more_supplies")
"""Slices of the report: traction supplies in operation."""

Float = NDArray[np.float64]

_METERED = ("v_metered_v", "p_metered_w", "q_metered_var")
_TRACTION = ("p_traction_metered_w", "q_traction_metered_var")
_TEXTS = ("scenario_id", "status", "moves", "sections", "traction", "running")
_TRUTH = ("imbalance_pct", "reduction_pct", "permitted")
_log = get_logger("models.transfer_rows")


@dataclass(frozen=True, slots=True)
class _Solved:
    """What an arrangement truly does: the imbalance's reduction, %, and whether it is permitted."""

    reduction_pct: float
    permitted: bool


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Every state whose present arrangement has a solution.

    Truth by alternative is [n, 5]: `reduction_pct` of the solved circuit, `permitted` as 0 or 1.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for; its features are those of the group `transfers`.
        start: The campaign's first local date; decides the split.

    Raises:
        DataError: The station has nothing to move, or no state is left.
    """
    substation = substations.read(dataset.substation)
    facts = movable_facts(substation)
    if facts is None:
        raise DataError(f"{substation.name} has nothing to move", "train where feeders have two busbars")
    table = dataset.read(TABLE, columns=[*_TEXTS, "t", "present", *_METERED, *_TRACTION, *_TRUTH])
    episode = columns.names(table, "scenario_id")
    present = columns.floats(table, "present") > 0.0
    solved = columns.names(table, "status").isin(("ok",))
    kept = np.flatnonzero(present & solved)
    if not kept.size:
        raise DataError(f"dataset {dataset.name}: no state of {TABLE} has a solution", "simulate more states")
    states = states_of(table, kept, substation, facts)
    found = alternatives(states, facts)
    X = transfers.columns_of(found, station_facts(substation).circuit.code)
    X = X[:, [transfers.NAMES.index(name) for name in definition.columns]]
    known = np.asarray(np.isfinite(X).all(axis=1), dtype=bool)
    kept = kept[known]
    if not kept.size:
        raise DataError(f"dataset {dataset.name}: no state of {TABLE} can be used", "simulate more states")
    truth = _truth(table, kept, solved, episode)
    own = truth.of(found, states, facts, known)
    t = columns.seconds(table)[kept].astype(np.float64)
    running = columns.names(table, "running").take(kept).array()
    many = np.array([len([name for name in text.split(",") if name]) for text in running.tolist()])
    point = substation.infeeds[-1].point
    rows = Rows(
        columns=definition.columns,
        X=X[known],
        truth=own | {"true_imbalance_pct": columns.floats(table, "imbalance_pct")[kept]},
        substation=Names(np.zeros(kept.size, dtype=np.int64), (substation.name,)),
        episode=episode.take(kept),
        kind=Names(np.minimum(many, len(RUNNING) - 1).astype(np.int64), RUNNING),
        point=Names(np.zeros(kept.size, dtype=np.int64), (point,)),
        point_kind=Names(np.zeros(kept.size, dtype=np.int64), (str(substation.point(point).kind),)),
        t=t,
        split=split_of_episodes(t, episode.take(kept).codes, start, substation.utc_offset_s),
    )
    _log.info("%s, %s: %d states", definition.name, dataset.name, kept.size)
    return Built(rows, int(present.sum()), int((~known).sum()), int((present & ~solved).sum()))


def described() -> list[dict[str, Any]]:
    """Names of what every described substation can move; those that cannot be read are left out."""
    found = []
    for name in substations.names():
        try:
            station = station_facts(substations.read(name))
        except SubstationError:
            continue
        if station.movable is not None:
            found.append(
                {
                    "code": station.circuit.code,
                    "feeders": [feeder.name for feeder in station.movable.feeders],
                    "buses": [list(feeder.buses) for feeder in station.movable.feeders],
                    "supplies": [supply.name for supply in station.movable.supplies],
                }
            )
    return found


def states_of(table: Any, rows: NDArray[np.int64], substation: Substation, facts: MovableFacts) -> States:
    """What the meters say in rows of present arrangements."""
    part = table.take(rows)
    n, points = rows.size, [point.id for point in substation.points]
    v, p, q = (columns.floats_or_lists(part, name).reshape(n, len(points), 3) for name in _METERED)
    bay = [points.index(name) for name in bays(substation).values()]
    of = {feeder.id: points.index(feeder.point) for feeder in substation.feeders}
    at = [of[feeder.name] for feeder in (*facts.feeders, *facts.others)]
    hung = _placed(part, "sections", {one.name: one.buses for one in facts.feeders})
    stays = np.zeros((n, len(facts.others)), dtype=np.int64)
    pairs = _placed(part, "traction", {one.name: PAIRS for one in facts.supplies})
    meters = [[supply.id for supply in substation.traction].index(one.name) for one in facts.supplies]
    traction_w, traction_var = (columns.floats_or_lists(part, name).reshape(n, -1) for name in _TRACTION)
    return States(
        v=v[:, bay],
        # A bay that feeds the busbar reads negative.
        s_va=-(p[:, bay] + 1j * q[:, bay]),
        feeder_va=p[:, at] + 1j * q[:, at],
        side=np.concatenate([hung, stays], axis=1),
        supply_va=traction_w[:, meters] + 1j * traction_var[:, meters],
        pair=pairs,
        price_per_mwh=np.full(n, substation.price_per_mwh),
    )


def bays(substation: Substation) -> dict[str, str]:
    """Measurement point in the bay of each transformer's second winding, by the transformer.

    Raises:
        DataError: A transformer has none.
    """
    found = {}
    for unit in substation.transformers:
        points = [
            point.id
            for point in substation.points
            if point.kind == "transformer_bay"
            and point.element == unit.element
            and point.terminal == SECOND + 1
        ]
        if not points:
            raise DataError(
                f"{substation.name}: {unit.id} has no meters at its second winding", "add a point"
            )
        found[unit.id] = points[0]
    return found


@dataclass(frozen=True, slots=True)
class _Truth:
    """Arrangements of each state by what is moved, in the order of the states."""

    by_moves: list[dict[str, _Solved]]

    def of(
        self, found: Alternatives, states: States, facts: MovableFacts, known: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.generic]]:
        """Truth of the alternatives, of the best arrangement and of what the opponent moves."""
        at = np.flatnonzero(known).tolist()
        lost = _Solved(float("nan"), permitted=False)
        mine = [
            [by.get(moves_text(code, facts), lost) for code in found.code[row].tolist()]
            for row, by in zip(at, self.by_moves, strict=True)
        ]
        theirs = [
            by.get(moves_text(largest_feeder(states, facts, row), facts), lost)
            for row, by in zip(at, self.by_moves, strict=True)
        ]
        best = [max(one.reduction_pct for one in by.values() if one.permitted) for by in self.by_moves]
        return {
            "reduction_pct": _array(mine, "reduction_pct"),
            "permitted": _array(mine, "permitted"),
            "best_pct": np.maximum(np.array(best), 0.0),
            "largest_feeder_pct": _array([theirs], "reduction_pct")[0],
            "largest_feeder_permitted": _array([theirs], "permitted")[0],
            "counted": np.ones(len(best), dtype=bool),
        }


def largest_feeder(states: States, facts: MovableFacts, row: int) -> float:
    """Code of moving the largest feeder of the fuller transformer to the emptier one; 0 where none can go.

    Of the transformers that feeders can move between, in the state `row`.
    """
    load = np.abs(states.s_va[row].sum(axis=1)) / np.array([unit.rated_va for unit in facts.units])
    side = states.side[row].tolist()
    moves = {
        f: abs(states.feeder_va[row, f].sum())
        for f, feeder in enumerate(facts.feeders)
        if load[feeder.unit[side[f]]] > load[feeder.unit[1 - side[f]]]
    }
    if not moves:
        return 0.0
    largest = max(moves, key=lambda f: moves[f])
    return code_of([Move(supply=False, place=largest, origin=side[largest], target=1 - side[largest])])


def _array(solved: list[list[_Solved]], name: str) -> Float:
    return np.array([[float(getattr(one, name)) for one in row] for row in solved], dtype=np.float64)


def _truth(table: Any, kept: NDArray[np.int64], solved: NDArray[np.bool_], episode: Names) -> _Truth:
    moves = columns.names(table, "moves")
    reduction = columns.floats(table, "reduction_pct")
    permitted = columns.floats(table, "permitted") > 0.0
    by: dict[int, dict[str, _Solved]] = {int(code): {} for code in episode.codes[kept]}
    for row in np.flatnonzero(solved & np.isin(episode.codes, episode.codes[kept])).tolist():
        text = moves.texts[moves.codes[row]]
        # To leave things as they are is always permitted.
        by[int(episode.codes[row])][text] = _Solved(
            float(reduction[row]), permitted=bool(permitted[row]) or not text
        )
    return _Truth([by[int(code)] for code in episode.codes[kept]])


def codes_of(moves: Names, facts: MovableFacts) -> Float:
    """Codes of texts such as `F331:lv1>lv2,TR2:ab>bc`, [n]."""
    feeders = {feeder.name: k for k, feeder in enumerate(facts.feeders)}
    supplies = {supply.name: k for k, supply in enumerate(facts.supplies)}
    found = []
    for text in moves.texts:
        own = []
        for part in filter(None, text.split(",")):
            name, way = part.split(":")
            where = PAIRS if name in supplies else facts.feeders[feeders[name]].buses
            origin, target = (where.index(end) for end in way.split(">"))
            place = supplies[name] if name in supplies else feeders[name]
            own.append(Move(supply=name in supplies, place=place, origin=origin, target=target))
        found.append(code_of(own))
    return np.asarray(np.array(found, dtype=np.float64)[moves.codes])


def moves_text(code: float, facts: MovableFacts) -> str:
    """What a code moves, as the table writes it: `F331:lv1>lv2,TR2:ab>bc`."""
    found = []
    for move in moves_of(code):
        name = (facts.supplies if move.supply else facts.feeders)[move.place].name
        where = PAIRS if move.supply else facts.feeders[move.place].buses
        found.append(f"{name}:{where[move.origin]}>{where[move.target]}")
    return ",".join(found)


def _placed(table: Any, name: str, places: Mapping[str, tuple[str, ...]]) -> NDArray[np.int64]:
    """Place of each thing of a text such as `F331:lv2,F332:lv1` among its own places, [n, things]."""
    texts = columns.names(table, name)
    found = np.full((len(texts.texts), len(places)), -1, dtype=np.int64)
    for row, text in enumerate(texts.texts):
        given = dict(pair.split(":") for pair in text.split(",") if ":" in pair)
        found[row] = [
            own.index(given[thing]) if given.get(thing) in own else -1 for thing, own in places.items()
        ]
    return np.asarray(found[texts.codes]).reshape(len(texts), len(places))
