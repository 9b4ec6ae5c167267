"""How fast substations are simulated: the bare engine, whole episodes, faults, two processes, one year.

`python -m benchmarks.simulate` prints progress to standard error and one JSON object as the last line of
stdout:

- `engine_solves_per_s`: all loads set, solved, all voltages read, on the loads of real episodes;
- `snapshots_per_s`: the same with everything around it, from scenario identifiers of kind `normal` to the
  dataset: settling, regulators, all points, truth, instruments, Parquet, and every rule of the tables'
  contracts asked of every row; `end_to_end_ratio` is its share of the engine's rate;
- `staged_snapshots_per_s` and `staged_ratio`: likewise up to the staged files, before their contract is
  enforced; `kinds`: this rate for each scenario kind, episodes of 20 s as in the quick profile; the key with
  `60_s` is of longer episodes, over which settling is spread;
- `harmonic_cases_per_s`: harmonic solutions of a settled station: every order solved for other emissions of
  all feeders and the grid, all voltages and the points' currents there; `harmonic_episodes_per_s`: whole
  episodes of 10 s with readings and four waveforms each;
- `faults_per_s`: fault currents and all voltages, every bus and type, from one factorisation;
- `one_process_snapshots_per_s`, `two_process_snapshots_per_s`, `two_process_speedup`: staged snapshots per
  second by the clock, and the factor between them;
- `qsts_year_s`: a year of 15-minute states of one substation, solved in full and regulated in each;
- `runpp_3ph_per_s`: pandapower's unbalanced power flows of the same buses and loads; `speedup_vs_runpp_3ph`
  is `engine_solves_per_s` in multiples of it.

Rates but those of processes, and `qsts_year_s`, are in processor time of one core, so that other work on the
machine disturbs them less. `--small` leaves out the year and pandapower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import substations
from benchmarks.simulation_rates.episodes import contracted_rate, engine_rate, episode_rate, process_rates
from benchmarks.simulation_rates.faults import fault_rate
from benchmarks.simulation_rates.harmonics import harmonic_rate
from benchmarks.simulation_rates.pandapower_rate import runpp_3ph_rate
from benchmarks.simulation_rates.timing import SUBSTATION
from benchmarks.simulation_rates.year import year_seconds
from simulation.grid import solve_boundary
from simulation.parts import KINDS, LENGTHS_S
from simulation.solving import WITHOUT_ENGINE, Bench
from switchyard.profiles import load_profile

# As the workers of a campaign have it; numpy reads these when it is imported.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


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
    substation = substations.read(SUBSTATION)
    say("solving the grid around it")
    begin = time.perf_counter()
    hours = solve_boundary(profile, [substation])[SUBSTATION]
    result: dict[str, Any] = {"grid_48_hours_s": time.perf_counter() - begin}
    bench = Bench.of(substation, profile, hours)
    episodes = 50 if small else 200
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("engine alone")
        result["engine_solves_per_s"] = engine = engine_rate(bench, 20 * episodes)
        say("whole episodes")
        lived = [kind for kind in KINDS if kind not in WITHOUT_ENGINE and LENGTHS_S.get(kind, (20,))[0] <= 20]
        result["kinds"] = {kind: episode_rate(bench, kind, episodes, 20, folder) for kind in lived}
        result["staged_snapshots_per_s"] = result["kinds"]["normal"]
        result["staged_snapshots_per_s_60_s_episodes"] = episode_rate(
            bench, "normal", episodes // 3, 60, folder
        )
        result["snapshots_per_s"] = contracted_rate(bench, episodes, 20, folder)
        result["end_to_end_ratio"] = result["snapshots_per_s"] / engine
        result["staged_ratio"] = result["staged_snapshots_per_s"] / engine
        say("harmonics")
        result["harmonic_cases_per_s"] = harmonic_rate(bench, 2 * episodes)
        result["harmonic_episodes_per_s"] = episode_rate(bench, "harmonic", episodes, 10, folder) / 10
        say("faults")
        result["faults_per_s"] = fault_rate(bench, 100 if small else 2000)
        say("one and two processes")
        one, two = process_rates(profile, hours, 4 if small else 16, folder)
        result["one_process_snapshots_per_s"], result["two_process_snapshots_per_s"] = one, two
        result["two_process_speedup"] = two / one
    if not small:
        say("a year of quarters")
        bench.engine.compile()
        result["qsts_year_s"] = year_seconds(bench)
        say("pandapower, three phases")
        result["runpp_3ph_per_s"] = runpp_3ph_rate(bench)
        result["speedup_vs_runpp_3ph"] = engine / result["runpp_3ph_per_s"]
    print(json.dumps(result, allow_nan=False, sort_keys=True))


if __name__ == "__main__":
    main()
