"""The resolver that training asks: AC power flows of the simulator's grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_contracts.transmission import LINE_NAMES, PARKS, PLANTS, bus_name, sensitivities
from models.resolving import V_MAX_PU, Flow, hand_in

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Ints = NDArray[np.int64]

# Voltages that the plants' regulators hold, pu, in the order of PLANTS: the mean of AC optima of usual hours.
_V_PU = (1.05, 1.03, 1.0488, 1.0478, 1.0471, 1.05, 1.05, 1.0229, 1.0479, 1.0486)
# Where a bus comes above its limit, all of them are lowered until it is this far below.
_BELOW_PU = 3e-4
# Plants hold just the limit: the last bit of a solution must not decide.
_ROUNDING_PU = 1e-9
_ROUNDS = 5
_KEPT = 10_000
_STEPS, _PRECISE_PU = 20, 1e-9


@dataclass(frozen=True, slots=True)
class Admittances:
    """The grid in pu on `base_mva` as pandapower makes it of its network, buses in their order.

    Attributes:
        bus: Admittance matrix, complex [buses, buses].
        ends: Current into each limited line by bus voltage, at both ends, complex [2, lines, buses].
        ampere: Limit of each line's current, pu.
        plants: Bus of each plant; the last is the slack's.
        parks: Bus of each park.
        base_mva: Base.
    """

    bus: Complex
    ends: Complex
    ampere: Float
    plants: Ints
    parks: Ints
    base_mva: float


class GridResolver:
    """Power flows of the 39-bus grid with secondary voltage control; reactive limits are not looked at.

    Branches are those of pandapower's network; Newton's method in polar coordinates (W. F. Tinney and
    C. E. Hart, 1967) gives what `pandapower.runpp` gives. The network is built when it is first asked for,
    and what was solved is kept: rows are built more than once.
    """

    def __init__(self) -> None:
        self._grid: Admittances | None = None
        self._kept = lru_cache(maxsize=_KEPT)(self._solved)

    def solve(self, p_mw: Float, load_mw: Float, load_mvar: Float) -> Flow | None:
        """Power flow of the outputs [units] and of each bus's load [buses]; None where there is none."""
        return self._kept(
            *(np.asarray(each, dtype=np.float64).tobytes() for each in (p_mw, load_mw, load_mvar))
        )

    def _solved(self, outputs: bytes, loads: bytes, reactive: bytes) -> Flow | None:
        p_mw, load_mw, load_mvar = (np.frombuffer(each) for each in (outputs, loads, reactive))
        if self._grid is None:
            self._grid = admittances()
        grid = self._grid
        wanted: Complex = -(load_mw + 1j * load_mvar)
        np.add.at(wanted, grid.parks, p_mw[: len(PARKS)])
        np.add.at(wanted, grid.plants, p_mw[len(PARKS) :])
        per_unit: Complex = wanted / grid.base_mva
        held = np.array(_V_PU)
        v = _newton(grid, per_unit, held)
        for _ in range(_ROUNDS):
            above = 0.0 if v is None else float(np.abs(v).max()) - V_MAX_PU
            if above <= _ROUNDING_PU:
                break
            held = held - above - _BELOW_PU
            v = _newton(grid, per_unit, held)
        return None if v is None else _flow(grid, v, p_mw, wanted)


def admittances() -> Admittances:
    """The simulator's grid, with units and lines in the order of `data_contracts`."""
    import pandapower as pp

    from simulation.grid.network import build_network

    net = build_network()
    pp.runpp(net, numba=False, init="dc")
    inside, at = net["_ppc"]["internal"], net["_pd2ppc_lookups"]["bus"][np.arange(len(net.bus))]
    names = {
        f"line-{bus_name(int(one) + 1)}-{bus_name(int(other) + 1)}": place
        for place, (one, other) in enumerate(zip(net.line.from_bus, net.line.to_bus, strict=True))
    }
    order = [names[name] for name in LINE_NAMES]
    base_mva = float(inside["baseMVA"])
    return Admittances(
        bus=inside["Ybus"].toarray()[np.ix_(at, at)],
        ends=np.stack([inside[name].toarray()[order][:, at] for name in ("Yf", "Yt")]),
        ampere=sensitivities().limit_mw / base_mva,
        plants=np.array([plant.bus - 1 for plant in PLANTS]),
        parks=np.array([park.bus - 1 for park in PARKS]),
        base_mva=base_mva,
    )


def _newton(grid: Admittances, wanted: Complex, held: Float) -> Complex | None:
    """Voltages with the plants' magnitudes `held` at which the wanted power flows in, pu."""
    buses = len(wanted)
    slack = int(grid.plants[-1])
    moving = np.array([bus for bus in range(buses) if bus != slack])
    free = np.array([bus for bus in range(buses) if bus not in set(grid.plants.tolist())])
    angle, size = np.zeros(buses), np.ones(buses)
    size[grid.plants] = held
    for _ in range(_STEPS):
        v = size * np.exp(1j * angle)
        current = grid.bus @ v
        missed = v * current.conj() - wanted
        off = np.concatenate([missed.real[moving], missed.imag[free]])
        if np.abs(off).max() < _PRECISE_PU:
            return np.asarray(v)
        unit = v / size
        by_angle = 1j * v[:, None] * (np.diag(current) - grid.bus * v).conj()
        by_size = v[:, None] * (grid.bus * unit).conj() + np.diag(current.conj() * unit)
        jacobian = np.block(
            [
                [by_angle.real[np.ix_(moving, moving)], by_size.real[np.ix_(moving, free)]],
                [by_angle.imag[np.ix_(free, moving)], by_size.imag[np.ix_(free, free)]],
            ]
        )
        step = np.linalg.solve(jacobian, -off)
        angle[moving] += step[: moving.size]
        size[free] += step[moving.size :]
    return None


def _flow(grid: Admittances, v: Complex, p_mw: Float, wanted: Complex) -> Flow:
    fed_mw = grid.base_mva * (v * (grid.bus @ v).conj()).real
    outputs = np.array(p_mw, dtype=np.float64)
    outputs[-1] += fed_mw[grid.plants[-1]] - wanted.real[grid.plants[-1]]
    size = np.abs(v)
    return Flow(
        p_mw=outputs,
        current_pu=np.abs(grid.ends @ v).max(axis=0) / grid.ampere,
        v_min_pu=float(size.min()),
        v_max_pu=float(size.max()),
        v_plants_pu=size[grid.plants],
        loss_mw=float(fed_mw.sum()),
    )


def provide() -> None:
    """Hand the resolver to the models of this process."""
    hand_in(GridResolver())
