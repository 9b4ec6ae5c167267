"""How fast substations are simulated: the bare engine, whole episodes, faults, two processes, one year.

`python -m benchmarks.simulate` prints progress to standard error and one JSON object as the last line of
stdout:

- `bare_solves_per_s`: all loads set, solved, all voltages read, on the loads of real episodes;
- `snapshots_per_s`: the same with everything around it (settling, regulators, all points, truth, instruments,
  Parquet); `ratio` is its share of the bare rate, `kinds` the rate of each scenario kind, episodes of 20 s as
  in the quick profile; the keys with `60_s` are of longer episodes, over which settling is spread;
- `harmonic_cases_per_s`: harmonic solutions of a settled station: spectra of all loads set, every order
  solved, all voltages and the points' currents read; `harmonic_episodes_per_s`: whole episodes of 10 s with
  readings and four waveforms each;
- `faults_per_s`: fault currents and all voltages, every bus and type, from one factorisation;
- `scaling`: snapshots per second of one and two processes, and the factor between them;
- `year_s`: a year of 15-minute states of one substation, solved in full and regulated every two hours;
- `runpp_3ph_s`: one of pandapower's unbalanced power flows of the same buses and loads.

Rates per second and `year_s` are in processor time of one core, so that other work on the machine disturbs
them less; the others are by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import substations
from simulation.engine import Emission
from simulation.faults.hit import KINDS as FAULT_KINDS
from simulation.faults.zbus import FaultNetwork, bus_place, fault_admittance
from simulation.grid import BoundaryHour, solve_boundary
from simulation.harmonics.mix import draw_background, draw_mix, emitted_by
from simulation.parts import KINDS, Part
from simulation.pool import Job, Workers
from simulation.scenario.conditions import draw_conditions
from simulation.scenario.recording import Recording
from simulation.scenario.regulation import Guess, neutral, settle
from simulation.solving import WITHOUT_ENGINE, Bench
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile, load_profile

_SUBSTATION = "mumbai"
# As the workers of a campaign have it; numpy reads these when it is imported.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PHASES = {"LG": "a", "LL": "bc", "LLG": "bc", "LLL": "abc"}


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def rate(count: int, work: Callable[[], object], rounds: int = 3) -> float:
    """Best rate of `count` things per second of processor time."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return count / best


def bare_rate(bench: Bench, seconds: int) -> float:
    """Snapshots per second of the engine alone, on the loads of episodes."""
    episodes = []
    for index in range(0, seconds, 20):
        scenario = ScenarioId(_SUBSTATION, "bench", 1, "normal", index)
        episodes.append(draw_conditions(scenario.generator("scenario"), bench.world, scenario, 20).s_va)

    def work() -> None:
        for s_va in episodes:
            bench.engine.solve(s_va)

    bench.engine.compile()
    return rate(seconds, work)


def episode_rate(bench: Bench, kind: str, episodes: int, seconds: int, folder: Path) -> float:
    """Snapshots per second from scenario identifiers to files."""
    part = Part(_SUBSTATION, "bench", 1, kind, 0, 0, episodes, seconds)
    return rate(episodes * seconds, lambda: bench.solve(part, folder))


def harmonic_rate(bench: Bench, cases: int) -> float:
    """Harmonic cases per second: what is emitted differs from case to case, the snapshot does not."""
    scenario = ScenarioId(_SUBSTATION, "bench", 1, "harmonic", 0)
    rng = scenario.generator("scenario")
    s_va = draw_conditions(rng, bench.world, scenario, 10).s_va[:1]
    engine, feeders = bench.engine, bench.world.substation.feeders
    drawn = [
        Emission(
            emitted_by(tuple(draw_mix(rng, feeder, 1e7) for feeder in feeders), len(engine.loads)),
            draw_background(rng),
        )
        for _ in range(cases)
    ]
    engine.compile()
    engine.solve(s_va)

    def work() -> None:
        for emission in drawn:
            engine.solve_harmonics(emission)

    return rate(cases, work)


def fault_rate(bench: Bench, per_place: int) -> float:
    """Faults per second: currents and all node voltages, at every bus, every type, from one factorisation."""
    scenario = ScenarioId(_SUBSTATION, "bench", 1, "fault", 0)
    s_va = draw_conditions(scenario.generator("scenario"), bench.world, scenario, 20).s_va[0]
    engine = bench.engine
    v = engine.solve(s_va[None])[0]
    network = engine.network()
    buses = [bus.id for bus in bench.world.substation.buses]
    r_ohm = np.geomspace(1e-3, 50.0, per_place)
    faults = {kind: fault_admittance(kind, _PHASES[kind], r_ohm) for kind in FAULT_KINDS}

    def work() -> None:
        ready = FaultNetwork.at(network, v, s_va, engine.emf_v)
        for bus in buses:
            place = bus_place(network, bus)
            for kind in FAULT_KINDS:
                ready.voltages(place, ready.currents(place, faults[kind]))

    return rate(len(buses) * len(FAULT_KINDS) * per_place, work)


def scaling(profile: Profile, hours: tuple[BoundaryHour, ...], parts: int, folder: Path) -> dict[str, float]:
    """Wall-clock snapshots per second of one and of two processes, both warm."""
    substation = substations.read(_SUBSTATION)
    job = Job(substation, profile, hours)
    plan = [Part(_SUBSTATION, "bench", 1, "normal", k, 40 * k, 40 * k + 40, 20) for k in range(parts)]
    found = {}
    for count in (1, 2):
        with Workers(count) as pool:
            # Every process loads its engine and its station before the clock starts.
            list(pool.solve(job, plan[: 4 * count], folder / "warm"))
            begin = time.perf_counter()
            list(pool.solve(job, plan, folder / str(count)))
            found[f"{count}_process"] = parts * 40 * 20 / (time.perf_counter() - begin)
    return {**found, "factor": found["2_process"] / found["1_process"]}


def year_seconds(bench: Bench) -> float:
    """Processor seconds for a year of quarters: all solved and balanced, regulated every two hours."""
    loads, world, engine = bench.world.loads, bench.world, bench.engine
    rest = np.zeros((96, len(world.substation.traction) + 3), dtype=np.complex128)
    calm = np.zeros(len(world.regulators.groups))
    guess = neutral(world.regulators)
    begin = time.process_time()
    for day in range(loads.t.size // 96):
        rows = slice(96 * day, 96 * day + 96)
        phases = np.repeat((loads.p_w[rows] + 1j * loads.q_var[rows]) / 3.0, 3, axis=1)
        s_va = np.concatenate([phases, rest], axis=1)
        hour = world.hour_like(int(loads.t[96 * day]))
        for quarter in range(0, 96, 8):
            block = s_va[quarter : quarter + 8]
            settled = settle(engine, world.regulators, hour, block[0], offsets_pu=calm, guess=guess)
            guess = Guess(settled.positions, settled.extra_va)
            v = engine.solve(block)
            Recording().add(engine.network(), v, engine.emf_v, block)
    return time.process_time() - begin


def runpp_3ph_seconds(bench: Bench) -> float:
    """Seconds of one of pandapower's unbalanced power flows: the same buses, lines and loads."""
    import pandapower as pp

    description, scenario = bench.world.substation, ScenarioId(_SUBSTATION, "bench", 1, "normal", 0)
    s_va = draw_conditions(scenario.generator("scenario"), bench.world, scenario, 20).s_va[0] / 1e6
    net = pp.create_empty_network(f_hz=50.0, sn_mva=100.0)
    tertiary = {winding.bus for each in description.transformers for winding in each.windings[2:]}
    buses = [each for each in description.buses if each.id not in tertiary]
    bus = {each.id: pp.create_bus(net, vn_kv=each.nominal_kv) for each in buses}
    strength = {"s_sc_max_mva": 9000.0, "rx_max": 0.06, "x0x_max": 1.0, "r0x0_max": 0.2}
    pp.create_ext_grid(net, bus[bench.engine.source_bus], **strength)
    ends = [(bench.engine.source_bus, infeed.bus, infeed.length_km) for infeed in description.infeeds]
    ends += [(feeder.bus, feeder.end_bus, feeder.length_km) for feeder in description.feeders]
    ends += [(*coupler.buses, 0.05) for coupler in description.couplers if coupler.closed]
    for one, other, length in ends:
        ohms = {"r_ohm_per_km": 0.08, "x_ohm_per_km": 0.3, "c_nf_per_km": 10.0}
        zero = {"r0_ohm_per_km": 0.25, "x0_ohm_per_km": 1.0, "c0_nf_per_km": 6.0}
        pp.create_line_from_parameters(net, bus[one], bus[other], length, max_i_ka=1.0, **ohms, **zero)
    for transformer in description.transformers:
        high, low = transformer.windings[:2]
        pp.create_transformer_from_parameters(
            net,
            bus[high.bus],
            bus[low.bus],
            sn_mva=high.rated_mva,
            vn_hv_kv=high.nominal_kv,
            vn_lv_kv=low.nominal_kv,
            vk_percent=transformer.x_hl_pct,
            vkr_percent=0.3,
            pfe_kw=0.0,
            i0_percent=0.1,
            vector_group="YNyn",
            vk0_percent=transformer.x_hl_pct,
            vkr0_percent=0.3,
            mag0_percent=100.0,
            mag0_rx=0.0,
            si0_hv_partial=0.9,
        )
    for k, feeder in enumerate(description.feeders):
        a, b, c = s_va[3 * k : 3 * k + 3]
        pp.create_asymmetric_load(
            net,
            bus[feeder.end_bus],
            p_a_mw=a.real,
            p_b_mw=b.real,
            p_c_mw=c.real,
            q_a_mvar=a.imag,
            q_b_mvar=b.imag,
            q_c_mvar=c.imag,
        )
    pp.runpp_3ph(net, numba=False)
    begin = time.perf_counter()
    pp.runpp_3ph(net, numba=False)
    return time.perf_counter() - begin


def main() -> None:
    """Measure everything once and print the JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulate", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--small", action="store_true", help="a quick look: fewer episodes, no year")
    small = parser.parse_args().small
    if any(os.environ.get(name) != value for name, value in _ONE_THREAD.items()):
        arguments = [sys.executable, "-m", "benchmarks.simulate", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **_ONE_THREAD})
    profile = load_profile("quick")
    substation = substations.read(_SUBSTATION)
    say("solving the grid around it")
    begin = time.perf_counter()
    hours = solve_boundary(profile, [substation])[_SUBSTATION]
    result: dict[str, Any] = {"grid_48_hours_s": time.perf_counter() - begin}
    bench = Bench.of(substation, profile, hours)
    episodes = 50 if small else 200
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("bare engine")
        result["bare_solves_per_s"] = bare_rate(bench, 20 * episodes)
        say("whole episodes")
        lived = [kind for kind in KINDS if kind not in WITHOUT_ENGINE]
        result["kinds"] = {kind: episode_rate(bench, kind, episodes, 20, folder) for kind in lived}
        result["snapshots_per_s"] = result["kinds"]["normal"]
        result["snapshots_per_s_60_s_episodes"] = episode_rate(bench, "normal", episodes // 3, 60, folder)
        result["ratio"] = result["snapshots_per_s"] / result["bare_solves_per_s"]
        result["ratio_60_s_episodes"] = result["snapshots_per_s_60_s_episodes"] / result["bare_solves_per_s"]
        say("harmonics")
        result["harmonic_cases_per_s"] = harmonic_rate(bench, 2 * episodes)
        result["harmonic_episodes_per_s"] = episode_rate(bench, "harmonic", episodes, 10, folder) / 10
        say("faults")
        result["faults_per_s"] = fault_rate(bench, 100 if small else 2000)
        say("one and two processes")
        result["scaling"] = scaling(profile, hours, 4 if small else 16, folder)
    if not small:
        say("a year of quarters")
        bench.engine.compile()
        result["year_s"] = year_seconds(bench)
        say("pandapower, three phases")
        result["runpp_3ph_s"] = runpp_3ph_seconds(bench)
    print(json.dumps(result, allow_nan=False, sort_keys=True))


if __name__ == "__main__":
    main()
