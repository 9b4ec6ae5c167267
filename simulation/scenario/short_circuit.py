"""The network while a short circuit burns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine, Network
from simulation.engine.network import BASE_VA, Complexes
from simulation.faults.hit import Hit
from simulation.faults.places import Site
from simulation.faults.zbus import BOLTED_OHM, FaultNetwork, Place, bus_place, fault_admittance
from simulation.noise import Floats
from simulation.scenario.recording import Recording
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class Ready:
    """The network in the second of a fault, factorised.

    Attributes:
        network: The linear network.
        faults: The same as a bus impedance matrix, with loads as admittances.
        s_va: Loads, VA, shape [l].
        emf_v: Internal voltage of the source, phase a.
    """

    network: Network
    faults: FaultNetwork
    s_va: Complexes
    emf_v: complex

    @classmethod
    def at(cls, engine: Engine, v: Complexes, s_va: Complexes) -> Ready:
        """Factorise the engine's network at the solution `v` (shape [n])."""
        network = engine.network()
        return cls(network, FaultNetwork.at(network, v, s_va, engine.emf_v), s_va, engine.emf_v)

    def voltages(self, place: Place, kind: str, phases: str, r_ohm: Floats) -> Complexes:
        """Phase voltages at the points for many fault resistances at once, V, shape [m, p, 3]."""
        i_fault = self.faults.currents(place, fault_admittance(kind, phases, r_ohm))
        return self.network.point_voltages(self.faults.voltages(place, i_fault))


@dataclass(frozen=True, slots=True)
class Struck:
    """The faulted network.

    Attributes:
        v: Phase voltages at the points during the fault, V, shape [p, 3].
        state: Number of the state, shape [1].
        i_fault_a: Size of the current into the fault, shape [3].
        prefault_v_pu: Voltage at the place before.
        bus: Faulted bus, or the one whose line is faulted.
        fault_level_ka: Bolted three-phase current of that bus.
    """

    v: Complexes
    state: NDArray[np.int64]
    i_fault_a: Floats
    prefault_v_pu: float
    bus: str
    fault_level_ka: float


def strike(engine: Engine, ready: Ready, hit: Hit, recording: Recording) -> Struck:
    """Solve the network during a fault and record the state."""
    network, faults = ready.network, ready.faults
    place = hit.site.place(engine, network)
    i_fault = faults.currents(place, fault_admittance(hit.kind, hit.phases, np.array([hit.r_ohm])))
    v = faults.voltages(place, i_fault)
    i = network.point_currents(v, np.array([ready.emf_v]))
    _add_infeed(engine.substation, hit.site, i, i_fault)
    state = recording.add_states(network.point_voltages(v), i, _residual(ready, v, place, i_fault))
    bus = hit.site.far if hit.site.line and hit.site.fraction >= 1.0 else hit.site.bus
    bolted = fault_admittance("LLL", "abc", np.array([BOLTED_OHM]))
    level = faults.currents(bus_place(network, bus), bolted)
    base_v = hit.site.kv * 1e3 / np.sqrt(3.0)
    return Struck(
        v=network.point_voltages(v)[0],
        state=state,
        i_fault_a=np.abs(i_fault[0]),
        prefault_v_pu=float(np.abs(place.weights @ faults.v).mean() / base_v),
        bus=bus,
        fault_level_ka=float(np.abs(level).max() / 1e3),
    )


def _add_infeed(substation: Substation, site: Site, i: Complexes, i_fault: Complexes) -> None:
    """Currents at the faulted line's ends: what its ends' voltages do not explain flows into the fault.

    The ends' voltages give the current of the whole line; each end supplies besides it the share of the
    fault's current by which it is the nearer.
    """
    if not site.line or site.fraction >= 1.0:
        return
    first = 1.0 - site.fraction if site.line_from == site.bus else site.fraction
    for k, point in enumerate(substation.points):
        if point.element == site.line:
            i[:, k] += (first if point.terminal == 1 else 1.0 - first) * i_fault


def _residual(ready: Ready, v: Complexes, place: Place, i_fault: Complexes) -> tuple[Floats, Floats]:
    """Power that does not balance while the fault burns, loads being admittances, pu on 100 MVA."""
    network, layout = ready.network, ready.network.layout
    u_before, u = layout.across(ready.faults.v), layout.across(v)
    i_before = network.load_currents(ready.faults.v, ready.s_va)
    alive = np.abs(u_before) > 1e-3 * layout.load_base_v
    i_load = np.where(alive, i_before / np.where(alive, u_before, 1.0), 0.0) * u
    drawn = layout.onto_nodes(i_load) + i_fault @ place.weights
    mismatch = v * np.conj(v @ network.y.T - ready.emf_v * network.source + drawn) / BASE_VA
    real, imag = mismatch.real[0], mismatch.imag[0]
    return real[[np.argmax(np.abs(real))]], imag[[np.argmax(np.abs(imag))]]
