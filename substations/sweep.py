"""Balanced load flow of a station's tree, by backward and forward sweeps over many settings at once.

D. Shirmohammadi et al., A compensation-based power flow method for weakly meshed distribution and
transmission networks, IEEE Trans. Power Systems 3 (1988): powers are summed from the feeders up to the grid,
voltages follow from the grid down to the feeders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.circuit import BASE_VA, CircuitFacts

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

ROUNDS = 4
"""Sweeps after which losses move by less than 1e-5 of themselves up to the heaviest load of the campaigns."""

REACTOR_LOSS = 0.0025
"""Loss of a shunt reactor as a share of its rating: 0.2 to 0.3 % is usual (from common knowledge)."""

GRID_X_PU = 0.011
"""Reactance of the grid behind the infeeds: 9 GVA of short-circuit power."""

_LEAST_PU = 0.3


@dataclass(frozen=True, slots=True)
class Served:
    """What n stations serve and get.

    Attributes:
        p_w: Active power of each feeder, W, [n, f].
        q_var: Reactive power of each, var, [n, f].
        infeed_pu: Voltage of the first section at the present setting, [n].
    """

    p_w: Float
    q_var: Float
    infeed_pu: Float


@dataclass(frozen=True, slots=True)
class Flow:
    """The station under k settings, for n states.

    Attributes:
        series_w: Loss in the resistances of lines and transformers, [n, k].
        core_w: Loss of cores and shunt reactors, [n, k].
        v_pu: Voltage of the sections, then of the feeders' far ends, [places, n, k].
        loading: Load of each link over its rating, [links, n, k].
        q_pu: Reactive power that each link delivers, [links, n, k].
    """

    series_w: Float
    core_w: Float
    v_pu: Float
    loading: Float
    q_pu: Float


def sweep(circuit: CircuitFacts, served: Served, position: Float, steps: Float) -> Flow:
    """The flow of each setting at constant power of the feeders and constant voltage behind the grid.

    Args:
        circuit: The station.
        served: Powers and the infeed's voltage in its present setting.
        position: Tap position of each link, [n, k, links]; fractions lie between two ratios. The first of the
            k settings is the present one.
        steps: Steps in service of each bank, [n, k, banks].
    """
    lines = circuit.lines
    at = np.array([line.section for line in lines], dtype=np.intp)
    z = np.array([complex(line.r_pu, line.x_pu) for line in lines])[:, None, None]
    half_b = 0.5 * np.array([line.b_pu for line in lines])[:, None, None]
    s = ((served.p_w + 1j * served.q_var) / BASE_VA).T[:, :, None]
    shape = np.broadcast_shapes(position.shape[:2], steps.shape[:2])
    top: Float = np.broadcast_to(served.infeed_pu[:, None], shape)
    v: Complex = np.zeros((len(circuit.sections), *shape), dtype=np.complex128)
    v += top
    end = v[at]
    ratio = [_ratio(link.ratios, position[..., k]) for k, link in enumerate(circuit.links)]
    banks: Float = np.zeros((len(circuit.sections), *shape))
    for k, bank in enumerate(circuit.banks):
        banks[bank.section] += bank.q_pu * steps[..., k] / bank.steps
    shunt = np.array([REACTOR_LOSS + 1j for _ in circuit.sections]) * [
        section.reactor_pu for section in circuit.sections
    ]
    to_earth = shunt[:, None, None] - 1j * banks
    infeed = complex(circuit.infeed_r_pu, circuit.infeed_x_pu)
    current = np.zeros((len(circuit.links), *shape), dtype=np.complex128)
    passed = np.zeros((len(circuit.links), *shape), dtype=np.complex128)
    for turn in range(ROUNDS):
        square = np.maximum(np.abs(v) ** 2, _LEAST_PU)
        far = s - 1j * half_b * np.abs(end) ** 2
        flow = np.conj(far / end)
        lost = np.abs(flow) ** 2
        end = v[at] - z * flow
        near = far + z * lost - 1j * half_b * square[at]
        drawn = to_earth * square
        np.add.at(drawn, at, near)
        series = (z.real * lost).sum(axis=0)
        core = (to_earth.real * square).sum(axis=0)
        for k in range(len(circuit.links) - 1, -1, -1):
            link = circuit.links[k]
            own = drawn[link.low] + link.no_load_pu * square[link.low]
            current[k] = np.conj(own / v[link.low])
            heat = complex(link.r_pu, link.x_pu) * np.abs(current[k]) ** 2
            passed[k] = own
            drawn[link.high] += own + heat
            series = series + heat.real
            core = core + link.no_load_pu * square[link.low]
        supplied = drawn[0] - 0.5j * circuit.infeed_b_pu * square[0]
        line = infeed * np.abs(supplied) ** 2 / square[0]
        supplied = supplied + line
        series = series + line.real
        if turn:
            top = served.infeed_pu[:, None] - GRID_X_PU * (supplied.imag - supplied.imag[:, :1])
        v[0] = top
        for k, link in enumerate(circuit.links):
            v[link.low] = v[link.high] / ratio[k] - complex(link.r_pu, link.x_pu) * current[k]
    rated = np.array([link.rated_pu for link in circuit.links])[:, None, None]
    return Flow(
        series_w=series * BASE_VA,
        core_w=core * BASE_VA,
        v_pu=np.concatenate([np.abs(v), np.abs(end)]),
        loading=np.abs(current) / rated,
        q_pu=passed.imag,
    )


def _ratio(ratios: tuple[float, ...], position: Float) -> Float:
    """Turns ratio at positions counted from 1, which may lie between two."""
    if not ratios:
        return np.ones(position.shape)
    return np.asarray(np.interp(position, np.arange(1.0, len(ratios) + 1.0), ratios))
