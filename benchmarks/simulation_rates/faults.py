"""Faults from one factorisation."""

from __future__ import annotations

import numpy as np

from benchmarks.simulation_rates.timing import SUBSTATION, rate
from simulation.faults.hit import KINDS
from simulation.faults.zbus import FaultNetwork, bus_place, fault_admittance
from simulation.scenario.conditions import draw_conditions
from simulation.solving import Bench
from switchyard.identity import ScenarioId

_PHASES = {"LG": "a", "LL": "bc", "LLG": "bc", "LLL": "abc"}


def fault_rate(bench: Bench, per_place: int) -> float:
    """Faults per second: currents and all node voltages, at every bus, every type, from one factorisation."""
    scenario = ScenarioId(SUBSTATION, "bench", 1, "fault", 0)
    s_va = draw_conditions(scenario.generator("scenario"), bench.world, scenario, 20).s_va[0]
    engine = bench.engine
    v = engine.solve(s_va[None])[0]
    network = engine.network()
    buses = [bus.id for bus in bench.world.substation.buses]
    r_ohm = np.geomspace(1e-3, 50.0, per_place)
    faults = {kind: fault_admittance(kind, _PHASES[kind], r_ohm) for kind in KINDS}

    def work() -> None:
        ready = FaultNetwork.at(network, v, s_va, engine.emf_v)
        for bus in buses:
            place = bus_place(network, bus)
            for kind in KINDS:
                ready.voltages(place, ready.currents(place, faults[kind]))

    return rate(len(buses) * len(KINDS) * per_place, work)
