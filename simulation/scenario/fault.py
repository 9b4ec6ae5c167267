"""Kind `fault`: short circuits in the substation and behind its feeders, and loads that the grid loses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.faults.clearing import draw_beyond, draw_clearing
from simulation.faults.places import draw_site, lateral_sites
from simulation.faults.zbus import BOLTED_OHM, FaultNetwork
from simulation.noise import Floats
from simulation.scenario.conditions import Conditions, draw_conditions
from simulation.scenario.departure import departure, draw_severity, largest, phases_hit
from simulation.scenario.episode import Episode, FaultRecord, Labels
from simulation.scenario.normal import settle_station, steps_text, taps_text
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.regulation import Positions
from simulation.scenario.short_circuit import Hit, Struck, depths, draw_kind, strike
from simulation.scenario.unbalance import NOTICED
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

_LARGEST_OHM = 50.0
_RESISTANCES = np.geomspace(BOLTED_OHM, _LARGEST_OHM, 96)
_TRIES = 24
# A lost load in the grid lifts the voltage until the machines' regulators have taken it back.
_REJECTION_S = (0.3, 6.0)
_DEAD_PU = 0.1


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode with a fault anywhere, a sag of drawn severity or a swell of drawn severity, in turn."""
    rng = scenario.generator("scenario")
    conditions = draw_conditions(rng, world, scenario, seconds)
    positions = settle_station(rng, world, engine, conditions)
    if scenario.index % 3 == 2:
        return _swell(rng, world, engine, scenario, conditions, positions)
    start = float(rng.uniform(2.0, seconds - 4.0))
    calm = engine.solve(conditions.s_va)
    network = engine.network()
    second = int(start)
    ready = FaultNetwork.at(network, calm[second], conditions.s_va[second], engine.emf_v)
    if scenario.index % 3 == 0:
        site = draw_site(rng, world.substation)
        kind, phases = draw_kind(rng)
        r_ohm = float(rng.uniform(0.0, _LARGEST_OHM) if rng.random() < 0.6 else 10.0 ** rng.uniform(-2.0, 1.7))
        hit = Hit(site, kind, phases, r_ohm, draw_clearing(rng, world.substation, site), start)
        aim: dict[str, Any] = {"aim": ""}
    else:
        watched, severity, hit = _sized_sag(rng, world, engine, ready, start)
        aim = {"aim": "severity", "watched": world.substation.points[watched].id, "drawn": severity}
    recording = Recording()
    quiet = recording.add(network, calm, engine.emf_v, conditions.s_va)
    struck = strike(world, engine, network, ready, conditions.s_va[second], hit, recording)
    spells = [(0.0, hit.start_s, quiet), (hit.start_s, hit.end_s, struck.state)]
    spells += _afterwards(engine, conditions, hit, quiet, recording)
    timeline = Timeline.merged(seconds, spells)
    states = recording.states()
    before = states.v[quiet[second]]
    labels, severities = _labels(world, timeline, states.v, before, hit, struck)
    most = int(np.argmax(severities))
    dead = _dead_buses(world, states.v[timeline.state[-1]])
    where = (positions,) * seconds
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause="fault",
        severity=float(severities[most] if aim["aim"] == "" else severities[watched]),
        parameters={**aim, "site": hit.site.line or hit.site.bus, "trips": list(hit.clearing.trips)},
        status="islanded" if dead else "ok",
        reason=f"de-energised at the end: {', '.join(dead)}" if dead else "",
        states=states,
        timeline=timeline,
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, where),
        capacitor_steps=steps_text(world.regulators, where),
        labels=labels,
        fault=_record(world, hit, struck),
    )


def _sized_sag(
    rng: np.random.Generator, world: World, engine: Engine, ready: FaultNetwork, start: float
) -> tuple[int, float, Hit]:
    """A fault behind a feeder's end whose resistance gives a sag of a drawn severity at a drawn point.

    Places, types and points are drawn until the wanted departure lies between those of a bolted fault and of one
    through the largest resistance; the resistance is then interpolated on its logarithm.
    """
    network = engine.network()
    sites = lateral_sites(world.substation)
    before = network.point_voltages(ready.v)
    nearest: tuple[float, int, float, Hit] | None = None
    for _ in range(_TRIES):
        severity = draw_severity(rng)
        watched = int(rng.integers(len(world.substation.points)))
        site = sites[int(rng.integers(len(sites)))]
        kind, phases = draw_kind(rng)
        clearing = draw_beyond(rng, site)
        place = site.place(engine, network)
        changes = departure(before, depths(ready, network, place, kind, phases, _RESISTANCES))[:, watched]
        reach = _seen(changes, clearing.duration_s, half_cycles=bool(world.sees_half_cycles[watched]))
        reach = reach / world.limit[watched]
        # A larger resistance is a smaller sag nearly everywhere; where it is not, the outermost crossing is taken.
        above = np.flatnonzero(reach >= severity)
        k = int(above[-1]) if above.size else 0
        if above.size and k + 1 < reach.size:
            share = (reach[k] - severity) / max(reach[k] - reach[k + 1], 1e-12)
            r_ohm = float(np.exp((1.0 - share) * np.log(_RESISTANCES[k]) + share * np.log(_RESISTANCES[k + 1])))
            return watched, severity, Hit(site, kind, phases, r_ohm, clearing, start)
        miss = abs(float(np.log(reach[k] / severity))) if reach[k] > 0.0 else np.inf
        if nearest is None or miss < nearest[0]:
            nearest = miss, watched, severity, Hit(site, kind, phases, float(_RESISTANCES[k]), clearing, start)
    if nearest is None:
        raise AssertionError
    return nearest[1:]


def _seen(changes: Floats, duration_s: float, *, half_cycles: bool) -> Floats:
    """What a meter sees of changes that last for `duration_s`: all of them in half-cycles, their share of a second in means.

    Args:
        changes: Relative changes of phases and lines, shape [..., 6].
        duration_s: How long they last.
        half_cycles: Whether the meter has half-cycle extremes of the phases.
    """
    share = min(duration_s, 1.0)
    mean = share * np.abs(changes).max(axis=-1)
    return np.maximum(mean, np.abs(changes[..., :3]).max(axis=-1)) if half_cycles else mean


def _afterwards(
    engine: Engine, conditions: Conditions, hit: Hit, quiet: NDArray[np.int64], recording: Recording
) -> list[tuple[float, float, NDArray[np.int64]]]:
    """Spells from the clearing to the end: with what was tripped out of service, then as before where it is reclosed."""
    end = float(conditions.seconds)
    back = min(hit.end_s + hit.clearing.dead_time_s, end) if hit.clearing.trips else hit.end_s
    spells = []
    tripped = [name for name in hit.clearing.trips if name not in engine.out_of_service]
    if tripped:
        first, last = int(hit.end_s), int(np.ceil(back))
        s_va = conditions.s_va[first:last]
        for name in tripped:
            engine.switch(name, on=False)
        try:
            v = engine.solve(s_va)
            states = recording.add(engine.network(), v, engine.emf_v, s_va)
        finally:
            for name in tripped:
                engine.switch(name, on=True)
        spells.append((hit.end_s, back, states))
    else:
        back = hit.end_s
    spells.append((back, end, quiet[min(int(back), quiet.size - 1) :]))
    return spells


def _labels(
    world: World, timeline: Timeline, v: Complexes, before: Complexes, hit: Hit, struck: Struck
) -> tuple[Labels, Floats]:
    """Sag, swell or interruption at every point, and how large its departure is."""
    points = world.substation.points
    labels = Labels.quiet(len(points), timeline.seconds)
    changes = departure(before, struck.v)
    nominal = np.array([point.nominal_kv * 1e3 / np.sqrt(3.0) for point in points])
    burning = np.zeros(timeline.seconds, dtype=np.bool_)
    burning[int(hit.start_s) : int(np.ceil(hit.end_s))] = True
    first, end = np.floor(timeline.begin).astype(int), np.ceil(timeline.end).astype(int)
    severities = np.zeros(len(points))
    for k in range(len(points)):
        seen = float(
            _seen(changes[k], hit.clearing.duration_s, half_cycles=bool(world.sees_half_cycles[k])) / world.limit[k]
        )
        dead = np.zeros(timeline.seconds, dtype=np.bool_)
        for g in np.flatnonzero(np.abs(v[timeline.state, k]).max(axis=1) < _DEAD_PU * nominal[k]):
            dead[first[g] : end[g]] = True
        severities[k] = seen
        moved = changes[k, :3]
        if dead.any():
            severities[k] = max(seen, 1.0 / world.limit[k])
            labels.mark_all(k, burning | dead, "interruption", "abc", float(severities[k]))
        elif seen > NOTICED:
            event = "sag" if abs(moved.min()) >= moved.max() else "swell"
            labels.mark_all(k, burning, event, phases_hit(moved), seen)
    return labels, severities


def _swell(
    rng: np.random.Generator,
    world: World,
    engine: Engine,
    scenario: ScenarioId,
    conditions: Conditions,
    positions: Positions,
) -> Episode:
    """The grid loses load: its internal voltage rises until the machines' regulators have taken it back."""
    seconds = conditions.seconds
    watched, severity = int(rng.integers(len(world.substation.points))), draw_severity(rng)
    duration = float(np.exp(rng.uniform(*np.log(_REJECTION_S))))
    start = float(rng.uniform(1.0, seconds - duration - 0.5))
    recording = Recording()
    calm = engine.solve(conditions.s_va)
    quiet = recording.add(engine.network(), calm, engine.emf_v, conditions.s_va)
    nodes = engine.layout.point_nodes
    emf_pu, first, last = engine.emf_pu, int(start), int(np.ceil(start + duration))
    share = 1.0 if world.sees_half_cycles[watched] else min(duration, 1.0)
    wanted = severity * float(world.limit[watched]) / share
    factor = 1.0 + wanted
    try:
        # Constant-power loads answer a little more than in proportion: two corrections hit the rise to 1e-4 of it.
        for _ in range(3):
            engine.set_emf(emf_pu * factor)
            v = engine.solve(conditions.s_va[first : first + 1])
            rise = float(departure(calm[first][nodes[watched]][None], v[0][nodes[watched]][None]).max())
            factor = 1.0 + (factor - 1.0) * wanted / rise
        engine.set_emf(emf_pu * factor)
        v = engine.solve(conditions.s_va[first:last])
        high = recording.add(engine.network(), v, engine.emf_v, conditions.s_va[first:last])
    finally:
        engine.set_emf(emf_pu)
    end = start + duration
    timeline = Timeline.merged(
        seconds, [(0.0, start, quiet), (start, end, high), (end, float(seconds), quiet[int(end) :])]
    )
    changes = departure(calm[first][nodes], v[0][nodes])
    labels = Labels.quiet(len(world.substation.points), seconds)
    for k in range(len(world.substation.points)):
        seen = float(_seen(changes[k], duration, half_cycles=bool(world.sees_half_cycles[k])) / world.limit[k])
        if seen > NOTICED:
            labels.mark_all(k, slice(first, last), "swell", "abc", seen)
    reached = float(largest(changes)[watched]) * share / float(world.limit[watched])
    where = (positions,) * seconds
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause="load_rejection",
        severity=reached,
        parameters={
            "aim": "severity",
            "watched": world.substation.points[watched].id,
            "drawn": severity,
            "start_s": start,
            "duration_s": duration,
            "emf_factor": factor,
        },
        states=recording.states(),
        timeline=timeline,
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, where),
        capacitor_steps=steps_text(world.regulators, where),
        labels=labels,
    )


def _dead_buses(world: World, v: Complexes) -> list[str]:
    """Buses of measurement points without voltage, from the points' voltages [p, 3]."""
    found = {
        point.bus
        for k, point in enumerate(world.substation.points)
        if np.abs(v[k]).max() < _DEAD_PU * point.nominal_kv * 1e3 / np.sqrt(3.0)
    }
    return sorted(found)


def _record(world: World, hit: Hit, struck: Struck) -> FaultRecord:
    points = world.substation.points
    size = np.abs(struck.i_fault)
    bus = hit.site.far if hit.site.line and hit.site.fraction >= 1.0 else hit.site.bus
    return FaultRecord(
        bus=bus,
        fault_type=hit.kind,
        phases=hit.phases,
        r_fault_ohm=hit.r_ohm,
        distance_pct=100.0 * hit.site.fraction,
        prefault_v_pu=struck.prefault_v_pu,
        i_fault_a=(float(size[0]), float(size[1]), float(size[2])),
        t_start_s=hit.start_s,
        duration_ms=1000.0 * hit.clearing.duration_s,
        cleared_by=hit.clearing.cleared_by,
        fault_level_ka=struck.fault_level_ka,
        breaker_rating_ka=float(world.substation.bus(bus).breaker_ka or 0.0),
        dips={
            point.id: [
                round(float(abs(u)) / (point.nominal_kv * 1e3 / np.sqrt(3.0)), 6) for u in struck.v[k]
            ]
            for k, point in enumerate(points)
        },
    )
