"""States of a station with their losses, and the settings next to theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import substations
from substations.settings import grid, reach_of
from substations.station import station_facts
from substations.sweep import Served, sweep
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part


def write_losses(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `losses` of `count` states spread over forty days: nameplates by heat and voltage."""
    facts = station_facts(substations.read(substation))
    matrix = np.array(facts.per_va2)
    load = rng.uniform(0.4, 1.2, (count, 1)) * rng.uniform(0.9, 1.1, (count, len(facts.feeders)))
    p, q = load * np.array(facts.design_p_w), load * np.array(facts.design_q_var)
    by_p, by_q = (np.einsum("nf,fg,ng->n", x, matrix, x) for x in (p, q))
    hot, v = rng.uniform(10, 40, count), rng.normal(1.0, 0.01, count)
    parts = np.stack([by_p, by_q, np.full(count, facts.always_w)], axis=1)
    true = parts * np.stack([(1 + 0.004 * hot) / v**2] * 2 + [v**2], axis=1)
    design = np.array([matrix @ np.array(x) @ np.array(x) for x in (facts.design_p_w, facts.design_q_var)])
    design = np.append(design, facts.always_w) / (design.sum() + facts.always_w)
    names = ("resistive", "reactive", "core")
    t = START + 86400.0 * (np.arange(count) % 40) + 900.0 * (np.arange(count) // 40 * 7 % 96)
    days = [str(ScenarioId(substation, "tiny", 7, "state", index % 40)) for index in range(count)]
    columns = {
        "scenario_id": days,
        "t": pa.array((t * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "status": ["ok"] * count,
        "p_metered_w": p.sum(axis=1),
        "q_metered_var": q.sum(axis=1),
        "p_metered_low_w": p @ np.array(facts.low),
        "v_metered_pu": v,
        "nameplate_w": parts.sum(axis=1),
        "ambient_c": hot,
        "ghi_w_m2": rng.uniform(0, 1000, count),
        "wind_m_s": rng.uniform(0, 9, count),
        "taps": [",".join(f"{tap.name}:{rng.integers(6, 11)}" for tap in facts.taps) for _ in days],
        "capacitor_steps": [",".join(f"{bank.name}:{rng.integers(2)}" for bank in facts.banks) for _ in days],
        "total_w": true.sum(axis=1),
        "p_supplied_w": p.sum(axis=1) + true.sum(axis=1),
        **{f"{name}_w": true[:, at] for at, name in enumerate(names)},
        **{f"design_{name}": np.full(count, design[at]) for at, name in enumerate(names)},
    }
    write_part(folder, "losses", "state", columns)


def write_controls(folder: Path, substation: str, count: int) -> None:
    """The table `controls`: the first `count` states of `losses` under the settings next to theirs."""
    facts = station_facts(substations.read(substation))
    circuit = facts.circuit
    p, q = (np.array([x]) / sum(x) for x in (facts.design_p_w, facts.design_q_var))
    losses = pq.read_table(folder / "losses" / "state-00000.parquet").slice(0, count).to_pylist()
    parts = []
    for state in losses:
        shown = [
            dict(pair.split(":") for pair in state[key].split(",")) for key in ("taps", "capacitor_steps")
        ]
        tap = np.array([[np.mean([int(shown[0][unit]) for unit in link.units]) for link in circuit.links]])
        steps = np.array([[float(shown[1][bank.name]) for bank in circuit.banks]])
        around = reach_of(circuit, tap, steps, 1)
        values = around.low[0] + grid(tuple(around.count[0].tolist()))
        served = Served(
            state["p_metered_w"] * p, state["q_metered_var"] * q, np.array([state["v_metered_pu"]])
        )
        links = len(circuit.links)
        every = np.concatenate([around.present, values.astype(float)])[None]
        flow = sweep(circuit, served, every[..., :links], every[..., links:])
        parts.append(
            {
                "scenario_id": [state["scenario_id"]] * len(values),
                "t": pa.array([state["t"]] * len(values), pa.timestamp("ms", tz="UTC")),
                "status": ["ok"] * len(values),
                "taps": [
                    ",".join(
                        f"{unit}:{row[k]}" for k, link in enumerate(circuit.links) for unit in link.units
                    )
                    for row in values
                ],
                "capacitor_steps": [
                    ",".join(f"{bank.name}:{row[links + k]}" for k, bank in enumerate(circuit.banks))
                    for row in values
                ],
                "loss_w": 1.05 * flow.series_w[0, 1:] + flow.core_w[0, 1:],
                "violations": (flow.v_pu[:, 0, 1:] > 1.1).sum(axis=0),
                "overloads": (flow.loading[:, 0, 1:] > 1.0).sum(axis=0),
            }
        )
    (folder / "controls").mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.concat_tables([pa.table(part) for part in parts]), folder / "controls" / "state-00000.parquet"
    )
