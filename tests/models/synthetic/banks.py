"""Capacitor banks at the power factor's limit: the table `compensation`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

import substations
from data_contracts.compensation import POWER_FACTOR, TAN_PHI
from substations.station import station_facts
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part


def write_banks(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `compensation` of `count` states over forty days: each bank at the power factor's limit."""
    facts = station_facts(substations.read(substation))
    load = rng.uniform(0.4, 1.2, (count, 1)) * rng.uniform(0.9, 1.1, (count, len(facts.feeders)))
    p, q = load * np.array(facts.design_p_w), load * np.array(facts.design_q_var)
    t = START + 86400.0 * (np.arange(count) % 40) + 900.0 * (np.arange(count) // 40 * 7 % 96)
    steps = np.array([rng.integers(0, bank.steps + 1, count) for bank in facts.banks])
    said = [",".join(f"{bank.name}:{n}" for bank, n in zip(facts.banks, own, strict=True)) for own in steps.T]
    for bank, own in zip(facts.banks, steps, strict=True):
        v, mine = rng.normal(1.02, 0.01, count), np.array([name in bank.feeders for name in facts.feeders])
        in_service = own / bank.steps * v**2
        fed_p, fed_q = p @ mine / bank.q_var, q @ mine / bank.q_var - in_service
        wanted = fed_q + TAN_PHI * fed_p
        best = (in_service + wanted) / (v + bank.x_pu * wanted / v) ** 2
        noise = rng.normal(1.0, 0.004, (6, count))
        columns = {
            "scenario_id": [str(ScenarioId(substation, "tiny", 7, "state", k % 40)) for k in range(count)],
            "t": pa.array((t * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
            "bank": [bank.name] * count,
            "point": [bank.points[0]] * count,
            "status": ["ok"] * count,
            "steps": own,
            "p_fed_metered_w": fed_p * bank.q_var * noise[0],
            "q_fed_metered_var": fed_q * bank.q_var * noise[1],
            "v_metered_pu": v * (1 + 0.2 * (noise[2] - 1)),
            "v_infeed_metered_pu": rng.normal(1.0, 0.01, count),
            "p_feeders_metered_w": list(p * noise[3][:, None]),
            "q_feeders_metered_var": list(q * noise[4][:, None]),
            "taps": [",".join(f"{tap.name}:{rng.integers(6, 11)}" for tap in facts.taps) for _ in said],
            "capacitor_steps": said,
            "ambient_c": rng.uniform(10, 40, count),
            "optimal_var": best * bank.q_var,
            "metered_optimal_var": best * bank.q_var * noise[5],
            "power_factor": np.full(count, POWER_FACTOR),
        }
        write_part(folder, "compensation", bank.name.lower(), columns)
