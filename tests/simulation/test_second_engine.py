"""The unbalanced substation solved by OpenDSS and by pandapower's three-phase power flow: the same phases.

pandapower's three-phase power flow knows no three-winding transformers. An interconnecting transformer whose
tertiary delta feeds nothing has one all the same: in positive sequence it is its two main windings, in zero
sequence their star point has the delta's leakage to earth, which is where pandapower's T equivalent has the
magnetising impedance. So the whole station can be expressed in both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import substations
from simulation.engine import Engine
from simulation.sequence import sequence_components
from substations.description import Transformer

C_MAX = 1.1
TOLERANCE_PU = 3e-5
"""Of complex voltages and of flows on 100 MVA. Measured: 1.3e-5 and 1.7e-5."""
BASE_MVA = 100.0


def sequence_values(matrix: Any) -> tuple[float, float]:
    """Positive- and zero-sequence value of a line's matrix."""
    square = np.asarray(matrix).reshape(3, 3)
    return float(square[0, 0] - square[0, 1]), float(square[0, 0] + 2.0 * square[0, 1])


def add_line(net: Any, engine: Engine, name: str, bus: dict[str, int]) -> None:
    import pandapower as pp

    element = engine._elements[name]
    ends = [bus[str(end).split(".")[0].lower()] for end in (element.Bus1, element.Bus2)]
    matrices = (element.RMatrix, element.XMatrix, element.CMatrix)
    (r1, r0), (x1, x0), (c1, c0) = (sequence_values(matrix) for matrix in matrices)
    pp.create_line_from_parameters(
        net, *ends, float(element.Length), r1, x1, c1, 1.0,
        r0_ohm_per_km=r0, x0_ohm_per_km=x0, c0_nf_per_km=c0, name=name,
    )  # fmt: skip


def add_transformer(net: Any, engine: Engine, transformer: Transformer, bus: dict[str, int]) -> None:
    import pandapower as pp

    element = engine._elements[transformer.element]
    kv, kva = np.asarray(element.kVs, dtype=float), np.asarray(element.kVAs, dtype=float)
    r = np.asarray(element.pctRs, dtype=float)
    x = float(element.XHL)
    vk, vkr = float(np.hypot(x, r[0] + r[1])), float(r[0] + r[1])
    # The high side's share, and the branch to earth in multiples of the leakage between the main windings.
    high, earth, rx = 0.5, 1e8, 0.0
    if len(transformer.windings) == 3:
        x_earth = (float(element.XHT) + float(element.XLT) - x) / 2.0
        high = (x + float(element.XHT) - float(element.XLT)) / (2.0 * x)
        earth, rx = float(np.hypot(x_earth, r[2])) / vk, float(r[2]) / x_earth
    pp.create_transformer_from_parameters(
        net, bus[transformer.windings[0].bus], bus[transformer.windings[1].bus],
        kva[0] / 1e3, kv[0] * float(np.asarray(element.Taps)[0]), kv[1], vkr, vk, 0.0, 0.0,
        vector_group="YNyn", vk0_percent=vk, vkr0_percent=vkr,
        mag0_percent=100.0 * earth, mag0_rx=rx, si0_hv_partial=high, shift_degree=0.0, name=transformer.id,
    )  # fmt: skip


def in_pandapower(engine: Engine, s_va: np.ndarray, v: np.ndarray) -> Any:
    """The station; its grid's positive-sequence voltage is that of the solution `v`."""
    import pandapower as pp

    described, layout, source = engine.substation, engine.layout, engine._source
    net = pp.create_empty_network(f_hz=50.0, sn_mva=100.0)
    buses = [each for each in described.buses if not each.id.endswith("_t")]
    bus = {each.id: pp.create_bus(net, each.nominal_kv, name=each.id) for each in buses}
    z1, z0 = complex(source.R1, source.X1), complex(source.R0, source.X0)
    nodes = layout.bus_nodes(engine.source_bus)
    v1 = sequence_components(v[nodes])[1] / layout.base_v[nodes[0]]
    pp.create_ext_grid(
        net,
        bus[engine.source_bus],
        vm_pu=abs(v1),
        va_degree=float(np.degrees(np.angle(v1))),
        s_sc_max_mva=C_MAX * float(source.BasekV) ** 2 / abs(z1),
        rx_max=z1.real / z1.imag,
        x0x_max=z0.imag / z1.imag,
        r0x0_max=z0.real / z0.imag,
    )
    for name in engine._elements:
        if name.startswith("line.") and name not in engine.out_of_service:
            add_line(net, engine, name, bus)
    for transformer in described.transformers:
        add_transformer(net, engine, transformer, bus)
    for shunt in (*described.reactors, *described.capacitors):
        sign = 1.0 if shunt in described.reactors else -1.0
        pp.create_shunt(net, bus[shunt.bus], q_mvar=sign * shunt.mvar, p_mw=0.0)
    for k, feeder in enumerate(described.feeders):
        a, b, c = s_va[3 * k : 3 * k + 3] / 1e6
        pp.create_asymmetric_load(
            net, bus[feeder.end_bus], a.real, b.real, c.real, a.imag, b.imag, c.imag, type="wye"
        )
    for k, supply in enumerate(described.traction):
        # pandapower's loads of a delta are between a and b, b and c, c and a.
        s = np.zeros(3, dtype=np.complex128)
        s[("ab", "bc", "ca").index(supply.phases)] = s_va[3 * len(described.feeders) + k] / 1e6
        pp.create_asymmetric_load(net, bus[supply.bus], *s.real, *s.imag, type="delta")
    return net


# Delhi's zigzag and delta windings are not in pandapower's three-phase power flow.
@pytest.mark.parametrize("name", ["mumbai", "bangalore", "chennai"])
def test_unbalanced_station__solved_by_both_engines__agrees_in_every_phase(name: str) -> None:
    from pandapower.pf.runpp_3ph import runpp_3ph

    engine = Engine(substations.read(name))
    described = engine.substation
    for bank in described.capacitors:
        engine.set_steps(bank.id, bank.steps)
    for k, transformer in enumerate(described.transformers):
        engine.set_tap(transformer.id, 7 + k)
    s_va = uneven_loads(engine)
    v = engine.solve(s_va[None])[0]

    net = in_pandapower(engine, s_va, v)
    runpp_3ph(net, numba=False, tolerance_mva=1e-9, calculate_voltage_angles=True)

    unbalance = []
    for index, bus in net.bus.name.items():
        nodes = engine.layout.bus_nodes(bus)
        pu = v[nodes] / engine.layout.base_v[nodes]
        size = net.res_bus_3ph.loc[index, [f"vm_{p}_pu" for p in "abc"]].to_numpy(dtype=float)
        angle = net.res_bus_3ph.loc[index, [f"va_{p}_degree" for p in "abc"]].to_numpy(dtype=float)
        assert np.abs(pu - size * np.exp(1j * np.radians(angle))).max() < TOLERANCE_PU, bus
        unbalance.append(np.abs(sequence_components(pu))[2])
    assert max(unbalance) > 0.02
    network = engine.network()
    s = network.point_voltages(v[None]) * np.conj(network.point_currents(v[None], np.array([engine.emf_v])))
    for k, point in enumerate(described.points):
        if point.element.startswith("line."):
            row = net.res_line_3ph[net.line.name == point.element].iloc[0]
            side = "from" if point.terminal == 1 else "to"
            stated = [complex(row[f"p_{p}_{side}_mw"], row[f"q_{p}_{side}_mvar"]) for p in "abc"]
            assert np.abs(s[0, k] / 1e6 - stated).max() / BASE_MVA < TOLERANCE_PU, point.id


def uneven_loads(engine: Engine) -> np.ndarray:
    """Loads that differ by up to 60 % between the phases, and traction between two of them."""
    feeders = engine.substation.feeders
    s_va = np.zeros(len(engine.loads), dtype=np.complex128)
    for k, feeder in enumerate(feeders):
        p = 0.8 * feeder.base_mw * 1e6 / 3.0
        uneven = 1.0 + 0.3 * np.cos(2.0 * np.pi * (np.arange(3) + k) / 3.0 + k)
        s_va[3 * k : 3 * k + 3] = p * uneven * (1.0 + 1j * np.tan(np.arccos(feeder.power_factor)))
    supplies = len(engine.substation.traction)
    s_va[3 * len(feeders) : 3 * len(feeders) + supplies] = (3.0 + 1.0j) * 1e6
    return s_va
