"""A short circuit in an episode: before, during, after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine, Network
from simulation.engine.network import BASE_VA, Complexes
from simulation.faults.clearing import Clearing
from simulation.faults.places import Site
from simulation.faults.zbus import BOLTED_OHM, FaultNetwork, Place, fault_admittance
from simulation.noise import Floats
from simulation.scenario.recording import Recording
from simulation.scenario.world import World


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault drawn.

    Attributes:
        site: Where.
        kind: LG, LL, LLG or LLL.
        phases: Faulted phases.
        r_ohm: Resistance.
        clearing: How it ends.
        start_s: Seconds from the episode's start at which it begins.
    """

    site: Site
    kind: str
    phases: str
    r_ohm: float
    clearing: Clearing
    start_s: float

    @property
    def end_s(self) -> float:
        """Seconds from the episode's start at which its current is broken."""
        return self.start_s + self.clearing.duration_s


@dataclass(frozen=True, slots=True)
class Struck:
    """The faulted network.

    Attributes:
        v: Phase voltages at the points during the fault, V, shape [p, 3].
        state: Number of the state.
        i_fault: Current into the fault, A, shape [3].
        prefault_v_pu: Voltage at the place before.
        fault_level_ka: Bolted three-phase current of the bus.
    """

    v: Complexes
    state: NDArray[np.int64]
    i_fault: Complexes
    prefault_v_pu: float
    fault_level_ka: float


KINDS = ("LG", "LL", "LLG", "LLL")
_SHARES = (0.70, 0.12, 0.13, 0.05)
_PHASES = {"LG": ("a", "b", "c"), "LL": ("ab", "bc", "ca"), "LLG": ("ab", "bc", "ca"), "LLL": ("abc",)}


def draw_kind(rng: np.random.Generator) -> tuple[str, str]:
    """Type and phases of a fault; shares as fault statistics of overhead networks have them (from common knowledge)."""
    kind = str(rng.choice(KINDS, p=_SHARES))
    return kind, str(rng.choice(_PHASES[kind]))


def strike(
    world: World,
    engine: Engine,
    network: Network,
    ready: FaultNetwork,
    s_va: Complexes,
    hit: Hit,
    recording: Recording,
) -> Struck:
    """Solve the network during the fault and record it.

    Args:
        world: The substation.
        engine: Engine in the state before the fault.
        network: Its linear network.
        ready: The same, factorised at the second of the fault.
        s_va: Loads of that second, VA, shape [l].
        hit: The fault.
        recording: Takes the state.
    """
    place = hit.site.place(engine, network)
    i_fault = ready.currents(place, fault_admittance(hit.kind, hit.phases, np.array([hit.r_ohm])))
    v = ready.voltages(place, i_fault)
    emf = np.array([engine.emf_v])
    i = network.point_currents(v, emf)
    _add_infeed(world, hit.site, i, i_fault)
    residual = _residual(network, ready, v, emf, s_va, place, i_fault)
    state = recording.add_states(network.point_voltages(v), i, residual)
    level = ready.currents(
        _bus(world, engine, network, hit.site), fault_admittance("LLL", "abc", np.array([BOLTED_OHM]))
    )
    base_v = hit.site.kv * 1e3 / np.sqrt(3.0)
    return Struck(
        v=network.point_voltages(v)[0],
        state=state,
        i_fault=i_fault[0],
        prefault_v_pu=float(np.abs(place.weights @ ready.v).mean() / base_v),
        fault_level_ka=float(np.abs(level).max() / 1e3),
    )


def depths(ready: FaultNetwork, network: Network, place: Place, kind: str, phases: str, r_ohm: Floats) -> Complexes:
    """Phase voltages at the points for many resistances at once, V, shape [m, p, 3]."""
    i_fault = ready.currents(place, fault_admittance(kind, phases, r_ohm))
    return network.point_voltages(ready.voltages(place, i_fault))


def _bus(world: World, engine: Engine, network: Network, site: Site) -> Place:
    bus = site.far if site.line and site.fraction >= 1.0 else site.bus
    kv = world.substation.bus(bus).nominal_kv
    return Site(bus, "", "", "", 0.0, overhead=False, kv=kv).place(engine, network)


def _add_infeed(world: World, site: Site, i: Complexes, i_fault: Complexes) -> None:
    """Currents at the faulted line's ends: what its ends' voltages do not explain flows into the fault.

    The fault's current is drawn from within the line; the ends' voltages alone give the current of the whole line, and each
    end supplies besides the share of the fault's current by which its end is nearer.
    """
    if not site.line or site.fraction >= 1.0:
        return
    first = site.share_from_first_terminal()
    for k, point in enumerate(world.substation.points):
        if point.element == site.line:
            i[:, k] += (first if point.terminal == 1 else 1.0 - first) * i_fault


def _residual(
    network: Network,
    ready: FaultNetwork,
    v: Complexes,
    emf_v: Complexes,
    s_va: Complexes,
    place: Place,
    i_fault: Complexes,
) -> tuple[Floats, Floats]:
    """Power that does not balance while the fault burns, with loads as the admittances of the second before."""
    layout = network.layout
    u_before, u = layout.across(ready.v), layout.across(v)
    i_before = network.load_currents(ready.v, s_va)
    alive = np.abs(u_before) > 1e-3 * layout.load_base_v
    i_load = np.where(alive, i_before / np.where(alive, u_before, 1.0), 0.0) * u
    drawn = layout.onto_nodes(i_load) + i_fault @ place.weights
    mismatch = v * np.conj(v @ network.y.T - emf_v[:, None] * network.source + drawn) / BASE_VA
    real, imag = mismatch.real[0], mismatch.imag[0]
    return real[[np.argmax(np.abs(real))]], imag[[np.argmax(np.abs(imag))]]
