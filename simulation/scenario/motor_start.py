"""A sag by a large induction motor that is started directly on the line at a feeder's end."""

from __future__ import annotations

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError
from simulation.events.machine import LOCKED_ROTOR_PU, base_va, run_up
from simulation.faults.zbus import bus_place
from simulation.noise import Floats
from simulation.scenario.departure import NOTICED, departure, seen_in_seconds
from simulation.scenario.episode import Episode
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.short_circuit import Ready
from simulation.scenario.stage import Stage
from simulation.sequence import sequence_impedances
from substations.description import Feeder, Substation

RUN_UP_S = (2.0, 10.0)
"""Shortest and longest run-up, s."""

# The largest motor in shares of the feeder's base load and, while it starts, of the short-circuit power at
# the feeder's end, beyond which it would get a starter; the smallest that is drawn, of the largest.
_OF_LOAD, _OF_STRENGTH, _SMALLEST = 0.35, 0.16, 0.12
_STEP_S = 0.25
# The motor's power follows the voltage that it makes itself: each correction leaves about a tenth of its
# error.
_CORRECTIONS = 6
# The sag acts in seconds in which at least this share of its depth is seen; afterwards the motor runs.
_DEEP = 0.5


def weak_feeders(substation: Substation) -> tuple[int, ...]:
    """Rows of the feeders at whose ends motors start: those with a line, at the lowest voltage."""
    kv = {bus.id: bus.nominal_kv for bus in substation.buses}
    lines = [(kv[feeder.bus], k) for k, feeder in enumerate(substation.feeders) if feeder.line is not None]
    lowest = min((level for level, _ in lines), default=0.0)
    return tuple(k for level, k in lines if level == lowest)


def largest_power_w(ready: Ready, feeder: Feeder) -> float:
    """Mechanical power of the largest motor that is started directly at a feeder's end, W."""
    network = ready.network
    base_v = float(network.layout.base_v[network.layout.bus_nodes(feeder.end_bus)[0]])
    z1 = sequence_impedances(ready.faults.driving_point(bus_place(network, feeder.end_bus)))[1]
    strength_va = 3.0 * base_v**2 / abs(z1)
    by_strength = _OF_STRENGTH * strength_va / (abs(LOCKED_ROTOR_PU) * base_va(1.0))
    return float(min(_OF_LOAD * feeder.base_mw * 1e6, by_strength))


def simulate_motor_start(stage: Stage) -> Episode:
    """Start a motor of drawn power behind a drawn feeder; the severity is that at the feeder's own point.

    Raises:
        InfeasibleError: No feeder has a line.
        NotConvergedError: The network does not carry the start.
    """
    engine, rng, world, seconds = stage.engine, stage.rng, stage.world, stage.seconds
    weak = weak_feeders(world.substation)
    if not weak:
        raise InfeasibleError(
            f"{world.substation.name}: no feeder has a line at whose end a motor could start"
        )
    k = weak[int(rng.integers(len(weak)))]
    feeder = world.substation.feeders[k]
    s_va = stage.conditions.s_va
    calm = engine.solve(s_va)
    largest_w = largest_power_w(Ready.at(engine, calm[0], s_va[0]), feeder)
    power_w = largest_w * float(np.exp(rng.uniform(np.log(_SMALLEST), 0.0)))
    lasting = float(rng.uniform(*RUN_UP_S))
    start = float(rng.uniform(2.0, seconds - min(lasting, seconds - 4.0) - 1.0))
    begin = np.union1d(
        np.arange(start, min(start + lasting, seconds), _STEP_S), np.arange(np.ceil(start), seconds)
    )
    end = np.append(begin[1:], float(seconds))
    y_pu = run_up().between((begin - start) / lasting, (end - start) / lasting)
    recording = Recording()
    quiet = recording.add(engine.network(), calm, engine.emf_v, s_va)
    second = begin.astype(np.int64)
    with_motor, v = solve_start(engine, s_va[second], 3 * k + np.arange(3), y_pu * base_va(power_w))
    states = recording.add(engine.network(), v, engine.emf_v, with_motor)
    spells = [(0.0, start, quiet)]
    spells += [(float(a), float(b), states[[g]]) for g, (a, b) in enumerate(zip(begin, end, strict=True))]
    timeline = Timeline.merged(seconds, spells)
    nodes = engine.layout.point_nodes
    changes = np.zeros((timeline.begin.size, stage.points, 6))
    changes[-begin.size :] = departure(calm[second][:, nodes], v[:, nodes])
    seen = seen_in_seconds(timeline, changes, world.sees_half_cycles) / world.limit[:, None]
    severity = seen.max(axis=1)
    labels = stage.quiet_labels()
    for point in np.flatnonzero(severity > NOTICED):
        deep = seen[point] >= _DEEP * severity[point]
        labels.mark_all(int(point), deep, "sag", "abc", float(severity[point]))
    watched = next(row for row, point in enumerate(world.substation.points) if point.id == feeder.point)
    return stage.episode(
        recording,
        timeline,
        labels,
        cause="motor_starting",
        severity=float(severity[watched]),
        parameters={
            "aim": "",
            "watched": feeder.point,
            "feeder": feeder.id,
            "power_w": power_w,
            "start_s": start,
            "duration_s": lasting,
        },
    )


def solve_start(
    engine: Engine, s_va: Complexes, rows: np.ndarray[tuple[int], np.dtype[np.int64]], y_va: Complexes
) -> tuple[Complexes, Complexes]:
    """Solve power flows with an admittance beside a feeder's load.

    Args:
        engine: Settled engine.
        s_va: Power of each load, VA, shape [t, l].
        rows: The three loads of the feeder, phases a, b, c.
        y_va: Three-phase admittance as the conjugate of the power that it draws at nominal voltage, VA,
            shape [t].

    Returns:
        Loads with what the motor draws at its own voltage, VA [t, l], and node voltages, V [t, n].
    """
    together = s_va.copy()
    per_phase = np.conj(y_va)[:, None] / 3.0
    square: Floats = np.ones((y_va.size, 3))
    v = np.empty(0, dtype=np.complex128)
    for _ in range(_CORRECTIONS):
        together[:, rows] = s_va[:, rows] + per_phase * square
        v = engine.solve(together)
        u = engine.layout.across(v)[:, rows] / engine.layout.load_base_v[rows]
        square = np.abs(u) ** 2
    return together, v
