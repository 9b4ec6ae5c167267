"""Rows of the table `compensation`: one capacitor bank's busbar in one state, and the size that it wants."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.station import BankFacts, StationFacts
from features.context import banks, station
from models import columns
from models.dataset import Built
from models.errors import DataError
from models.protocol import Definition
from models.rows import Names, Rows, concatenate
from models.splits import split_of_episodes
from substations import read as read_substation
from substations.station import station_facts
from switchyard.log import get_logger

TABLE = "compensation"
LOADS = ("light", "usual", "heavy")
"""Slices of the report: bays that feed in less than the bank's rating, up to twice it, and more."""

BOUNDS = (1.0, 2.0)

Float = NDArray[np.float64]

_NUMBERS = (
    "p_fed_metered_w", "q_fed_metered_var", "v_metered_pu", "v_infeed_metered_pu", "ambient_c",
    "optimal_var", "metered_optimal_var", "power_factor",
)  # fmt: skip
_LISTS = ("p_feeders_metered_w", "q_feeders_metered_var")
_TEXTS = ("scenario_id", "bank", "point", "taps", "capacitor_steps")
_log = get_logger("models.bank_rows")


def build(dataset: Dataset, definition: Definition[Any], start: date) -> Built:
    """Every row that has a result and all inputs.

    Args:
        dataset: Contracted tables.
        definition: The model that the rows are for; its features are those of the bank and of the station.
        start: The campaign's first local date; decides the split.

    Raises:
        DataError: No row is left.
    """
    import pyarrow.compute as pc

    every = dataset.read(TABLE, columns=[*_TEXTS, "status", "t", "steps", *_NUMBERS, *_LISTS])
    table = every.filter(pc.field("status") == "ok")
    substation = read_substation(dataset.substation)
    facts = station_facts(substation)
    of_bank = columns.names(table, "bank")
    parts, left_out = [], 0
    for code, name in enumerate(of_bank.texts):
        bank = next(one for one in facts.banks if one.name == name)
        mine = table.take(np.flatnonzero(of_bank.codes == code))
        found, without = _of_bank(dataset, definition, start, mine, facts=facts, bank=bank)
        parts.append(found)
        left_out += without
    if not sum(map(len, parts)):
        raise DataError(f"dataset {dataset.name}: no row of {TABLE} has a result", "simulate more states")
    rows = concatenate([part for part in parts if len(part)])
    _log.info("%s, %s: %d states of banks", definition.name, dataset.name, len(rows))
    return Built(rows, every.num_rows, left_out, every.num_rows - table.num_rows)


def _of_bank(
    dataset: Dataset,
    definition: Definition[Any],
    start: date,
    table: Any,
    *,
    facts: StationFacts,
    bank: BankFacts,
) -> tuple[Rows, int]:
    """Rows of one bank, and how many were left out for want of an input."""
    substation = read_substation(dataset.substation)
    value = {name: columns.floats(table, name) for name in _NUMBERS}
    p_w, q_var = (columns.floats_or_lists(table, name) for name in _LISTS)
    taps = _numbers(columns.names(table, "taps"))
    steps = _numbers(columns.names(table, "capacitor_steps"))
    matrix, low = np.array(facts.per_va2), np.array(facts.low, dtype=np.float64)
    flows = station.Flows(
        p_w=p_w.sum(axis=1),
        q_var=q_var.sum(axis=1),
        p_low_w=(p_w * low).sum(axis=1),
        nameplate_w=facts.always_w + sum(np.einsum("nf,fg,ng->n", x, matrix, x) for x in (p_w, q_var)),
        infeed_v_pu=value["v_infeed_metered_pu"],
        ratio_pu=np.array([station.ratio_pu(facts, one) for one in taps]),
        bank_var=np.array([station.bank_var(facts, one) for one in steps]),
    )
    fed = banks.Fed(
        p_w=value["p_fed_metered_w"],
        q_var=value["q_fed_metered_var"],
        v_pu=value["v_metered_pu"],
        steps=np.array(
            [[one.get(each.name, np.nan) for each in facts.banks] for one in steps], dtype=np.float64
        ),
        p_feeders_w=p_w,
        q_feeders_var=q_var,
        ratio_pu=np.array([banks.tap_ratio(facts, bank, one) for one in taps]),
    )
    inputs = {
        **dict(zip((one.name for one in station.FEATURES), station.compute(flows, facts).T, strict=True)),
        **dict(zip((one.name for one in banks.FEATURES), banks.compute(fed, facts, bank).T, strict=True)),
        "ambient_c": value["ambient_c"],
    }
    X = np.stack([inputs[name] for name in definition.columns], axis=1)
    kept = np.flatnonzero(np.isfinite(X).all(axis=1))
    t = columns.seconds(table).astype(np.float64)[kept]
    episode = columns.names(table, "scenario_id").take(kept)
    points = columns.names(table, "point").take(kept)
    load = value["p_fed_metered_w"][kept] / bank.q_var
    rows = Rows(
        columns=definition.columns,
        X=X[kept],
        truth={
            "optimal_var": value["optimal_var"][kept],
            "metered_optimal_var": value["metered_optimal_var"][kept],
            "power_factor": value["power_factor"][kept],
            "present": columns.floats(table, "steps")[kept].astype(np.int64),
        },
        substation=Names(np.zeros(kept.size, dtype=np.int64), (substation.name,)),
        episode=episode,
        kind=Names(np.searchsorted(BOUNDS, load, side="right").astype(np.int64), LOADS),
        point=points,
        point_kind=Names(np.zeros(kept.size, dtype=np.int64), ("transformer_bay",)),
        t=t,
        split=split_of_episodes(t, episode.codes, start, substation.utc_offset_s),
    )
    return rows, table.num_rows - kept.size


def _numbers(texts: Names) -> list[dict[str, int]]:
    """Numbers by name of each text such as `AT1:9,DTX1:10`."""
    found = []
    for text in texts.texts:
        pairs = (pair.split(":") for pair in text.split(",") if ":" in pair)
        found.append({name: int(number) for name, number in pairs})
    return [found[code] for code in texts.codes.tolist()]
