"""Rows of `transfers`: what moving feeders and traction supplies would do to a station."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.transfers import TRANSFERS
from simulation.noise import Floats
from simulation.scenario.stage import steps_text, taps_text
from simulation.tables.parquet import array, instants, lists, words, write_table
from simulation.transfers.arrangement import Arrangement, Movable
from simulation.transfers.outcome import Transfers
from simulation.transfers.solving import Yard

if TYPE_CHECKING:
    import pyarrow as pa

OPERATION_COST = 500.0
"""Wear of one operation, rupees: a breaker or isolator overhauled for some ten lakh rupees after 2000
operations (assumed)."""

LASTING_H = 4.0
"""Hours for which an arrangement is taken to last when its loss is paid for."""


def write_transfers(path: Path, yard: Yard, found: Sequence[Transfers]) -> int:
    """Write the table, sorted by state and arrangement; the number of rows is returned."""
    import pyarrow as pa

    counts = np.array([len(each.arrangements) for each in found], dtype=np.int64)
    state = np.repeat(np.arange(len(found)), counts)
    transfer = np.arange(state.size) - np.repeat(np.cumsum(counts) - counts, counts)
    reasons = [reason for each in found for reason in each.reason]
    unsolved = np.array([reason != "" for reason in reasons], dtype=bool)
    units, sections = yard.transformers, yard.sections

    def joined(name: str, *shape: int) -> Floats:
        return np.concatenate([np.empty((0, *shape)), *(getattr(each, name) for each in found)])

    def states(values: list[float]) -> Floats:
        return np.array(values, dtype=np.float64)[state]

    def numbers(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
        return pa.array(np.asarray(values, dtype=np.int64), pa.int64(), mask=missing)

    def texts(values: list[str]) -> pa.Array[Any]:
        return pa.array(values, pa.string())

    loss_w = joined("loss_w")
    loading = joined("loading_pct", units.rated_va.size)
    phases = joined("phases_pct", units.rated_va.size, 3)
    vuf = joined("vuf_pct", sections.sections.size)
    residual = joined("residual_pu", 2)
    violations = joined("violations")
    overloads = (loading > 100.0).sum(axis=1)
    unbalanced = (vuf > sections.vuf_pct).sum(axis=1)
    first = (np.cumsum(counts) - counts)[state]
    permitted = (overloads == 0) & (violations <= violations[first]) & (unbalanced <= unbalanced[first])
    imbalance = units.imbalance_pct(phases)
    pairs = [(each.situation.present, wanted) for each in found for wanted in each.arrangements]
    operations = np.array([wanted.operations(present) for present, wanted in pairs], dtype=np.int64)
    price = states([each.situation.hour.price_per_mwh for each in found])
    t = yard.world.loads.t[np.array([each.situation.quarter for each in found], dtype=np.int64)]
    running = [_running(yard.movable, each) for each in found]
    columns = {
        "scenario_id": words(state, tuple(str(each.situation.scenario) for each in found)),
        "transfer": numbers(transfer),
        "t": instants(t[state]),
        "present": pa.array(transfer == 0),
        "status": words(unsolved.astype(np.int64), ("ok", "unsolved")),
        "reason": texts(reasons),
        "moves": texts([moves_text(yard.movable, present, wanted) for present, wanted in pairs]),
        "sections": texts([_named(yard.movable.feeders, wanted.buses) for _, wanted in pairs]),
        "traction": texts([_named(yard.movable.names, wanted.pairs) for _, wanted in pairs]),
        **_regulators(yard, found, state),
        "running": texts([running[k] for k in state]),
        "feeders_moved": numbers(np.array([wanted.feeders_moved(present) for present, wanted in pairs])),
        "supplies_moved": numbers(np.array([wanted.supplies_moved(present) for present, wanted in pairs])),
        "operations": numbers(operations),
        "p_served_w": array(states([each.situation.served_w for each in found])),
        "price_per_mwh": array(price),
        "loss_w": array(loss_w),
        "cost": array(OPERATION_COST * operations + LASTING_H * loss_w / 1e6 * price),
        "loading_pct": lists(loading, unsolved),
        "loading_max_pct": array(loading.max(axis=1)),
        "phase_loading_pct": lists(phases.reshape(state.size, 3 * units.rated_va.size), unsolved),
        "loading_imbalance_pct": array(units.loading_imbalance_pct(loading)),
        "imbalance_pct": array(imbalance),
        "reduction_pct": array(100.0 * (1.0 - imbalance / imbalance[first])),
        "vuf_pct": lists(vuf, unsolved),
        "vuf_max_pct": array(vuf.max(axis=1)),
        "v_min_pu": array(joined("v_min_pu")),
        "v_max_pu": array(joined("v_max_pu")),
        "violations": numbers(violations, unsolved),
        "overloads": numbers(overloads, unsolved),
        "unbalanced": numbers(unbalanced, unsolved),
        "permitted": pa.array(permitted, mask=unsolved),
        "residual_p_pu": array(residual[:, 0]),
        "residual_q_pu": array(residual[:, 1]),
        **_metered(yard, found, state, (transfer != 0) | unsolved),
    }
    return write_table(path, TRANSFERS, columns)


def moves_text(movable: Movable, present: Arrangement, wanted: Arrangement) -> str:
    """What differs: `F331:lv1>lv2,TR2:ab>bc`."""
    names = (*movable.feeders, *movable.names)
    before, after = (*present.buses, *present.pairs), (*wanted.buses, *wanted.pairs)
    return ",".join(
        f"{name}:{one}>{other}" for name, one, other in zip(names, before, after, strict=True) if one != other
    )


def _named(names: tuple[str, ...], places: tuple[str, ...]) -> str:
    return ",".join(f"{name}:{place}" for name, place in zip(names, places, strict=True))


def _regulators(yard: Yard, found: Sequence[Transfers], state: NDArray[np.int64]) -> dict[str, pa.Array[Any]]:
    import pyarrow as pa

    regulators = yard.world.regulators
    taps, steps = (
        [None if each.positions is None else text(regulators, (each.positions,))[0] for each in found]
        for text in (taps_text, steps_text)
    )
    return {
        name: pa.array([texts[k] for k in state], pa.string())
        for name, texts in (("taps", taps), ("capacitor_steps", steps))
    }


def _running(movable: Movable, found: Transfers) -> str:
    names = zip(movable.names, found.situation.running, strict=True)
    return ",".join(name for name, runs in names if runs)


def _metered(
    yard: Yard, found: Sequence[Transfers], state: NDArray[np.int64], missing: NDArray[np.bool_]
) -> dict[str, pa.Array[Any]]:
    points, supplies = 3 * len(yard.world.substation.points), len(yard.movable.supplies)
    v = np.array([np.abs(each.metered_v).ravel() for each in found]).reshape(len(found), points)
    s = np.array([each.metered_va.ravel() for each in found]).reshape(len(found), points)
    traction = np.array([each.metered_traction_va for each in found]).reshape(len(found), supplies)
    # A list that is null holds nothing: only the rows that have readings are laid out.
    return {
        name: _where(values, state, missing)
        for name, values in (
            ("v_metered_v", v),
            ("p_metered_w", s.real),
            ("q_metered_var", s.imag),
            ("p_traction_metered_w", traction.real),
            ("q_traction_metered_var", traction.imag),
        )
    }


def _where(values: Floats, state: NDArray[np.int64], missing: NDArray[np.bool_]) -> pa.Array[Any]:
    import pyarrow as pa

    width = values.shape[1]
    ends = np.concatenate([[0], np.cumsum(np.where(missing, 0, width))]).astype(np.int32)
    there = np.ascontiguousarray(values[state[~missing]]).ravel()
    found: pa.Array[Any] = pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), pa.array(there, pa.float64()), mask=pa.array(missing)
    )
    return found
