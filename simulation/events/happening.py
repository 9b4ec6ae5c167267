"""What an event does to the voltages: a place, a size and a length, drawn until some point counts it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.events.counting import Counted, count
from simulation.events.machine import LOCKED_ROTOR_PU, base_va, run_up
from simulation.events.standing import Standing
from simulation.events.streams import Stream, behind_share
from simulation.faults.clearing import Clearing, draw_beyond, draw_clearing, draw_remote
from simulation.faults.hit import LARGEST_OHM, draw_kind, draw_resistance
from simulation.faults.places import Site, draw_remote_site
from simulation.scenario.motor_start import RUN_UP_S, largest_power_w

_TRIES = 30
# An arc that extinguishes by itself: half a cycle to two cycles of 50 Hz.
_INCIPIENT_S = (0.010, 0.040)
_INCIPIENT_OHM = (1.0, LARGEST_OHM)
# The voltage's way to its new level when a bank is switched; how long the grid's voltage stands high.
_SWITCHING_S, _REJECTION_S = (0.03, 0.10), (0.1, 2.5)
_REJECTION_RISE = (0.03, 0.14)
_MOTOR_OF_LARGEST = (0.15, 1.0)
# Until a line or a busbar that does not come back by itself is in service again.
_REPAIR_S = (300.0, 6.0 * 3600.0)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as it was drawn.

    Attributes:
        counted: What it is at each point.
        duration_s: How long it lasts, at each point, shape [p].
        cleared_by: What cleared the fault; "" for other causes and for arcs that extinguish by themselves.
    """

    counted: Counted
    duration_s: NDArray[np.float64]
    cleared_by: str


def draw_happening(
    rng: np.random.Generator, standing: Standing, stream: Stream, *, incipient: bool
) -> Happening | None:
    """Draw what an event of a stream does, again where no point would count it.

    The intensity is therefore that of events that count. None where so many draws in a row do not.

    Raises:
        NotConvergedError: The station has no solution after what tripped.
    """
    for _ in range(_TRIES):
        happening = _draw(rng, standing, stream, incipient=incipient)
        if happening.counted.any:
            return happening
    return None


def _draw(rng: np.random.Generator, standing: Standing, stream: Stream, *, incipient: bool) -> Happening:
    match stream.source:
        case "line":
            return _line_fault(rng, standing, stream.row, incipient=incipient)
        case "remote":
            site, _ = draw_remote_site(rng, standing.engine)
            return _fault(rng, standing, site, draw_remote(rng, site))
        case "motor":
            return _motor(rng, standing, stream.row)
        case "bank_in" | "bank_out":
            return _switching(rng, standing, stream)
        case _:
            rise = float(rng.uniform(*_REJECTION_RISE))
            return _plain(standing, standing.with_emf(1.0 + rise), _log_uniform(rng, _REJECTION_S))


def _line_fault(rng: np.random.Generator, standing: Standing, row: int, *, incipient: bool) -> Happening:
    substation = standing.world.substation
    feeder = substation.feeders[row]
    kv = substation.bus(feeder.bus).nominal_kv
    behind = rng.random() < behind_share(substation, feeder)
    fraction = 1.0 if behind else float(rng.uniform(0.02, 1.0))
    overhead = bool(rng.random() < feeder.overhead_share)
    site = Site(feeder.bus, str(feeder.line), feeder.end_bus, feeder.bus, fraction, overhead, kv)
    if not incipient:
        return _fault(
            rng, standing, site, draw_beyond(rng, site) if behind else draw_clearing(rng, substation, site)
        )
    during = standing.ready.voltages(
        site.place(standing.engine, standing.ready.network),
        "LG",
        "abc"[int(rng.integers(3))],
        np.array([_log_uniform(rng, _INCIPIENT_OHM)]),
    )[0]
    return _plain(standing, during, float(rng.uniform(*_INCIPIENT_S)))


def _fault(rng: np.random.Generator, standing: Standing, site: Site, clearing: Clearing) -> Happening:
    kind, phases = draw_kind(rng)
    place = site.place(standing.engine, standing.ready.network)
    during = standing.ready.voltages(place, kind, phases, np.array([draw_resistance(rng)]))[0]
    happening = replace(_plain(standing, during, clearing.duration_s), cleared_by=clearing.cleared_by)
    trips = [name for name in clearing.trips if name not in standing.engine.out_of_service]
    if not trips:
        return happening
    dead = happening.counted.interrupted(_without(standing, trips), standing.nominal_v)
    gone = min(clearing.dead_time_s, _log_uniform(rng, _REPAIR_S))
    lasting = np.where(dead.is_interruption, clearing.duration_s + gone, clearing.duration_s)
    return Happening(dead, lasting, clearing.cleared_by)


def _without(standing: Standing, trips: list[str]) -> Complexes:
    """Voltages at the points with elements out of service, V, shape [p, 3]."""
    engine = standing.engine
    for name in trips:
        engine.switch(name, on=False)
    try:
        v = engine.solve(standing.ready.s_va[None])[0]
    finally:
        for name in trips:
            engine.switch(name, on=True)
    return np.asarray(v[engine.layout.point_nodes])


def _motor(rng: np.random.Generator, standing: Standing, row: int) -> Happening:
    feeder = standing.world.substation.feeders[row]
    power_w = largest_power_w(standing.ready, feeder) * float(rng.uniform(*_MOTOR_OF_LARGEST))
    y_s = LOCKED_ROTOR_PU * base_va(power_w) / (3.0 * standing.bus_base_v(feeder.end_bus) ** 2)
    start = run_up()
    lasting = float(rng.uniform(*RUN_UP_S)) * start.until(0.5)
    return _plain(standing, standing.with_admittance(feeder.end_bus, y_s), lasting)


def _switching(rng: np.random.Generator, standing: Standing, stream: Stream) -> Happening:
    bank = standing.world.substation.capacitors[stream.row]
    way = 1.0 if stream.source == "bank_in" else -1.0
    y_s = way * 1j * bank.mvar * 1e6 / bank.steps / (3.0 * standing.bus_base_v(bank.bus) ** 2)
    after = standing.with_admittance(bank.bus, y_s)
    counted = count(standing.before, after, standing.nominal_v, rapid_pu=0.01)
    return Happening(counted, np.full(counted.kind.size, float(rng.uniform(*_SWITCHING_S))), "")


def _plain(standing: Standing, during: Complexes, lasting_s: float) -> Happening:
    counted = count(standing.before, during, standing.nominal_v)
    return Happening(counted, np.full(counted.kind.size, lasting_s), "")


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))
