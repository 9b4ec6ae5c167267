"""Arrangements of feeders and traction supplies: the table `transfers`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import substations
from features.rearrangement.arrangements import PAIRS, code_of, moves_to, reach
from features.rearrangement.outcomes import outcomes
from features.rearrangement.states import States
from models.transfer_rows import bays, moves_text
from substations.station import station_facts
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START


def write_transfers(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `transfers` of `count` states, one a day: truth is nearly what the meters expect."""
    described = substations.read(substation)
    facts = station_facts(described).movable
    units, feeders = facts.units, (*facts.feeders, *facts.others)
    base = np.array([next(f.base_mw for f in described.feeders if f.id == one.name) for one in feeders])
    uneven = rng.normal(1, 0.08, (count, len(feeders), 3))
    load = 1e6 / 3 * base[:, None] * rng.uniform(0.5, 1.0, (count, len(feeders), 1)) * uneven * (1 + 0.3j)
    side = np.where(np.arange(len(feeders)) < len(facts.feeders), rng.random(load.shape[:2]) < 0.3, False)
    side = side.astype(np.int64)
    carried = np.array([feeder.carried for feeder in feeders])[np.arange(len(feeders)), side]
    nominal = np.array([unit.v_nom_v for unit in units])
    states = States(
        v=nominal[:, None] * rng.normal(1.0, 0.01, (count, len(units), 3)),
        s_va=np.einsum("nfu,nfp->nup", carried, load),
        feeder_va=load,
        side=side,
        supply_va=1e6 * rng.uniform(1, 5, (count, len(facts.supplies))) * (1 + 0.5j),
        pair=rng.integers(3, size=(count, len(facts.supplies))),
        price_per_mwh=np.full(count, 4500.0),
    )
    within = reach(len(facts.feeders), len(facts.supplies))
    expected = outcomes(states, facts)
    true = expected.imbalance_pct * rng.normal(1.0, 0.03, expected.imbalance_pct.shape)
    points = [point.id for point in described.points]
    v, s = np.ones((count, len(points), 3)), np.zeros((count, len(points), 3), dtype=complex)
    at = [points.index(point) for point in bays(described).values()]
    v[:, at], s[:, at] = states.v, -states.s_va
    of = {feeder.id: points.index(feeder.point) for feeder in described.feeders}
    s[:, [of[feeder.name] for feeder in feeders]] = load
    rows, many = [], within.moves.size
    for n in range(count):
        placed = {
            "scenario_id": str(ScenarioId(substation, "tiny", 7, "transfer", n)),
            "status": "ok",
            "t": int(START + 86400 * (n % 40) + 900 * (n % 96)) * 1000,
            "sections": ",".join(
                f"{one.name}:{one.buses[k]}" for one, k in zip(facts.feeders, side[n], strict=False)
            ),
            "traction": ",".join(
                f"{one.name}:{PAIRS[k]}" for one, k in zip(facts.supplies, states.pair[n], strict=True)
            ),
            "running": ",".join(one.name for one in facts.supplies),
        }
        metered = {
            "v_metered_v": v[n].ravel().tolist(),
            "p_metered_w": s[n].real.ravel().tolist(),
            "q_metered_var": s[n].imag.ravel().tolist(),
            "p_traction_metered_w": states.supply_va[n].real.tolist(),
            "q_traction_metered_var": states.supply_va[n].imag.tolist(),
        }
        for k in range(many):
            outcome = {
                "present": k == 0,
                "moves": moves_text(code_of(moves_to(within, k, side[n], states.pair[n])), facts),
                "imbalance_pct": true[n, k],
                "reduction_pct": 100.0 * (1.0 - true[n, k] / true[n, 0]),
                "permitted": bool(expected.allowed[n, k]),
            }
            rows.append(placed | outcome | (metered if k == 0 else dict.fromkeys(metered)))
    table = pa.Table.from_pylist(rows)
    table = table.set_column(
        table.column_names.index("t"), "t", table["t"].cast(pa.timestamp("ms", tz="UTC"))
    )
    (folder / "transfers").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "transfers" / "transfer-00000.parquet")
