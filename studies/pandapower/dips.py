"""Voltages everywhere during a short circuit by IEC 60909, phase by phase.

A fault draws the sequence currents I_s out of its bus j. With the impedances between buses of pandapower's
networks for short circuits, Z_s,ij, every bus i is left with

    V_s,i = E_s − Z_s,ij·I_s,      E_1 = 1, E_0 = E_2 = 0 (pu of the voltage before), Z_2 = Z_1

Across a transformer that turns the positive sequence by its vector group the negative one turns the other
way, which makes an earth fault on one side look like one between phases on the other (M. H. J. Bollen,
Understanding Power Quality Problems, chapter 4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from simulation.sequence import balanced, sequence_components
from studies.faults import TO_EARTH, Fault, phase_currents

TO_PHASES: Complexes = np.stack(
    [np.ones(3, dtype=np.complex128), balanced(1.0), balanced(1.0).conj()], axis=1
)
"""Phases a, b, c from zero, positive and negative sequence, shape [3, 3]."""

_AGREEMENT = 1e-6
_AT_ONCE = 64
_NO_PATH = 1e9
"""Of the positive sequence: pandapower's impedance to earth where there is none would drown it."""

_SHIFTS = {
    "trafo": (("hv_bus", "lv_bus", "shift_degree"),),
    "trafo3w": (("hv_bus", "mv_bus", "shift_mv_degree"), ("hv_bus", "lv_bus", "shift_lv_degree")),
    "line": (("from_bus", "to_bus", None),),
    "impedance": (("from_bus", "to_bus", None),),
}


@dataclass(frozen=True, slots=True)
class Network:
    """Pandapower's networks of the sequences, as it has calculated the currents with.

    Attributes:
        positive: Factors of the admittance matrix of the positive sequence, pu.
        zero: Of the zero sequence; None where it is not known.
        place: Row of each bus in them; beyond them if out of service, shape [n].
        rows: Number of their rows.
        base_ohm: Impedance of 1 pu at each bus, Ω, shape [n].
        lag_rad: By how much each bus lags in the positive sequence, rad, shape [n].
    """

    positive: Any
    zero: Any
    place: Ints
    rows: int
    base_ohm: Floats
    lag_rad: Floats

    def columns(self, buses: Sequence[int]) -> Iterator[tuple[Complexes, Complexes]]:
        """Z1 and Z0 from every bus to each of `buses`, pu, shape [n] each; NaN where unknown."""
        for start in range(0, len(buses), _AT_ONCE):
            some = np.asarray(buses[start : start + _AT_ONCE], dtype=np.int64)
            z1, z0 = self._solve(self.positive, some), self._solve(self.zero, some)
            yield from zip(z1.T, z0.T, strict=True)

    def agrees(self, k: int, column: Complexes, stated_ohm: complex) -> bool:
        """Whether a bus's own impedance is the one that pandapower states for it."""
        return bool(np.isclose(column[k] * self.base_ohm[k], stated_ohm, rtol=_AGREEMENT, atol=0.0))

    def during(
        self, k: int, columns: tuple[Complexes, Complexes], faults: Sequence[Fault], z_fault: complex
    ) -> Floats:
        """Voltages during faults at bus number k, pu of those before, shape [faults, n, 3].

        Args:
            k: The bus.
            columns: Its Z1 and Z0.
            faults: What strikes it.
            z_fault: Impedance of the fault, Ω.
        """
        z1, z0 = columns
        # Without a current to earth the zero sequence is not excited, whatever its impedance.
        earthed = bool(abs(z0[k]) < _NO_PATH * abs(z1[k]))
        own = np.array([z0[k] if earthed else z1[k], z1[k], z1[k]])
        place = TO_PHASES @ np.diag(own) @ np.linalg.inv(TO_PHASES)
        turn = np.exp(-1j * (self.lag_rad - self.lag_rad[k]))
        found = []
        for fault in faults:
            current = phase_currents(place, balanced(1.0), fault, z_fault / self.base_ohm[k])
            i0, i1, i2 = sequence_components(current)
            earth = -z0 * i0 if fault.kind in TO_EARTH else np.zeros_like(z0)
            sequences = np.stack([earth, (1.0 - z1 * i1) * turn, -z1 * i2 * turn.conj()], axis=1)
            found.append(np.abs(sequences @ TO_PHASES.T))
        return np.array(found)

    def _solve(self, factors: Any, buses: Ints) -> Complexes:
        shape = (self.place.size, buses.size)
        served = (self.place >= 0) & (self.place < self.rows)
        found = np.full(shape, complex(np.nan, np.nan))
        if factors is None:
            return found
        unit = np.zeros((self.rows, buses.size), dtype=np.complex128)
        struck = np.flatnonzero(served[buses])
        unit[self.place[buses[struck]], struck] = 1.0
        solved = factors.solve(unit)
        found[np.ix_(served, struck)] = solved[np.ix_(self.place[served], struck)]
        return found


def network(net: Any, *, zero: bool) -> Network | None:
    """The networks of the last calculation; None where loops of transformers turn by different angles.

    `calc_sc` does not keep them; these are its own steps.

    Args:
        net: The network after `calc_sc`, that of the zero sequence if `zero`.
        zero: Whether it has zero-sequence data.
    """
    from pandapower.auxiliary import _clean_up
    from pandapower.pd2ppc_zero import _pd2ppc_zero
    from pandapower.pypower.idx_brch_sc import K_ST
    from pandapower.shortcircuit.impedance import _calc_ybus
    from pandapower.shortcircuit.ppc_conversion import (
        _create_k_updated_ppci,
        _get_is_ppci_bus,
        _init_ppc,
    )

    buses = net.bus.index.to_numpy()
    whole, case = _init_ppc(net)
    _, corrected, _ = _create_k_updated_ppci(net, case, ppci_bus=_get_is_ppci_bus(net, buses))
    _calc_ybus(corrected)
    of_zero = None
    if zero:
        _, of_zero = _pd2ppc_zero(net, whole["branch"][:, K_ST])
        _calc_ybus(of_zero)
    place = np.asarray(net._pd2ppc_lookups["bus"][buses], dtype=np.int64)  # noqa: SLF001
    _clean_up(net, res=False)
    lag = _lags(net, dict(zip(buses.tolist(), place.tolist(), strict=True)))
    if lag is None:
        return None
    y = corrected["internal"]["Ybus"]
    factors = _factors(y)
    if factors is None:
        return None
    return Network(
        factors,
        None if of_zero is None else _factors(of_zero["internal"]["Ybus"]),
        place,
        int(y.shape[0]),
        net.bus.vn_kv.to_numpy(dtype=float) ** 2 / float(corrected["baseMVA"]),
        np.array([lag.get(int(row), 0.0) for row in place]),
    )


def _factors(y: Any) -> Any:
    from scipy.sparse.linalg import splu  # type: ignore[import-untyped]

    try:
        return splu(y.tocsc())
    except RuntimeError:  # singular: something has no path to a source, or to earth
        return None


def _lags(net: Any, place: dict[int, int]) -> dict[int, float] | None:
    """Lag of each row against the first of its part, rad; None where two ways to one row differ."""
    neighbours: dict[int, list[tuple[int, float]]] = {}
    for kind, sides in _SHIFTS.items():
        for first, second, column in sides:
            table = net[kind][net[kind].in_service.astype(bool)]
            turns = np.zeros(len(table)) if column is None else np.nan_to_num(table[column].to_numpy(float))
            for a, b, degrees in zip(table[first], table[second], turns, strict=True):
                one, other = place[int(a)], place[int(b)]
                neighbours.setdefault(one, []).append((other, float(np.radians(degrees))))
                neighbours.setdefault(other, []).append((one, -float(np.radians(degrees))))
    lag: dict[int, float] = {}
    for start in neighbours:
        if start in lag:
            continue
        lag[start], waiting = 0.0, [start]
        while waiting:
            row = waiting.pop()
            for other, turn in neighbours[row]:
                if other not in lag:
                    lag[other] = lag[row] + turn
                    waiting.append(other)
                elif abs(np.exp(1j * (lag[row] + turn - lag[other])) - 1.0) > _AGREEMENT:
                    return None
    return lag
