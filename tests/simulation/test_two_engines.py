"""The balanced substation solved by pandapower and by OpenDSS: the same voltages, flows and losses."""

from typing import Any

import numpy as np
import pytest

import substations
from simulation.engine import Engine
from substations.description import Substation, Transformer

TOLERANCE_PU = 1e-4
BASE_MVA = 100.0


def percent(x_pct: float, r_pct: float) -> float:
    return float(np.hypot(x_pct, r_pct))


def positive_sequence(matrix: Any) -> float:
    square = np.asarray(matrix).reshape(3, 3)
    return float(square[0, 0] - square[0, 1])


def add_line(net: Any, pp: Any, engine: Engine, name: str, bus: dict[str, int]) -> None:
    """A line by its positive sequence: diagonal less mutual terms of its matrices."""
    element = engine._elements[name]
    ends = [str(end).split(".")[0].lower() for end in (element.Bus1, element.Bus2)]
    r, x, c = (positive_sequence(matrix) for matrix in (element.RMatrix, element.XMatrix, element.CMatrix))
    pp.create_line_from_parameters(
        net,
        bus[ends[0]],
        bus[ends[1]],
        length_km=float(element.Length),
        r_ohm_per_km=r,
        x_ohm_per_km=x,
        c_nf_per_km=c,
        max_i_ka=1.0,
        name=name,
    )


def add_transformer(net: Any, pp: Any, engine: Engine, transformer: Transformer, bus: dict[str, int]) -> None:
    element = engine._elements[transformer.element]
    ratio = float(np.asarray(element.Taps)[0])
    kv, kva = np.asarray(element.kVs, dtype=float), np.asarray(element.kVAs, dtype=float)
    r = np.asarray(element.pctRs, dtype=float)
    windings = transformer.windings
    if len(windings) == 2:
        pp.create_transformer_from_parameters(
            net,
            bus[windings[0].bus],
            bus[windings[1].bus],
            sn_mva=kva[0] / 1e3,
            vn_hv_kv=kv[0] * ratio,
            vn_lv_kv=kv[1],
            vk_percent=percent(float(element.XHL), float(r.sum())),
            vkr_percent=float(r.sum()),
            pfe_kw=0.0,
            i0_percent=0.0,
            # A delta leads by thirty degrees or is not there; magnitudes and flows do not know it.
            shift_degree=0.0,
            name=transformer.id,
        )
        return
    x_hm, x_hl, x_ml = float(element.XHL), float(element.XHT), float(element.XLT)
    small = kva[2] / kva[0]
    r_hm, r_hl, r_ml = r[0] + r[1], r[0] * small + r[2], r[1] * small + r[2]
    pp.create_transformer3w_from_parameters(
        net,
        bus[windings[0].bus],
        bus[windings[1].bus],
        bus[windings[2].bus],
        vn_hv_kv=kv[0] * ratio,
        vn_mv_kv=kv[1],
        vn_lv_kv=kv[2],
        sn_hv_mva=kva[0] / 1e3,
        sn_mv_mva=kva[1] / 1e3,
        sn_lv_mva=kva[2] / 1e3,
        vk_hv_percent=percent(x_hm, r_hm),
        vk_mv_percent=percent(x_ml * small, r_ml),
        vk_lv_percent=percent(x_hl * small, r_hl),
        vkr_hv_percent=r_hm,
        vkr_mv_percent=r_ml,
        vkr_lv_percent=r_hl,
        pfe_kw=0.0,
        i0_percent=0.0,
        name=transformer.id,
    )


def pandapower_net(engine: Engine, s_va: np.ndarray, v_grid: complex) -> Any:
    import pandapower as pp

    description = engine.substation
    net = pp.create_empty_network(f_hz=float(description.frequency_hz), sn_mva=BASE_MVA)
    bus = {each.id: pp.create_bus(net, vn_kv=each.nominal_kv, name=each.id) for each in description.buses}
    pp.create_ext_grid(
        net, bus[engine.source_bus], vm_pu=abs(v_grid), va_degree=float(np.degrees(np.angle(v_grid)))
    )
    for name in engine._elements:
        if name.startswith("line.") and name not in engine.out_of_service:
            add_line(net, pp, engine, name, bus)
    for transformer in description.transformers:
        add_transformer(net, pp, engine, transformer, bus)
    for k, feeder in enumerate(description.feeders):
        total = s_va[3 * k : 3 * k + 3].sum() / 1e6
        pp.create_load(net, bus[feeder.end_bus], p_mw=total.real, q_mvar=total.imag)
    for reactor in description.reactors:
        pp.create_shunt(net, bus[reactor.bus], q_mvar=reactor.mvar, p_mw=0.0)
    for bank in description.capacitors:
        pp.create_shunt(net, bus[bank.bus], q_mvar=-bank.mvar, p_mw=0.0)
    pp.runpp(net, numba=False, tolerance_mva=1e-9, trafo_model="t", calculate_voltage_angles=False)
    return net


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
def test_balanced_station__solved_by_both_engines__agrees(name: str) -> None:
    substation: Substation = substations.read(name)
    engine = Engine(substation)
    for bank in substation.capacitors:
        engine.set_steps(bank.id, bank.steps)
    for k, transformer in enumerate(substation.transformers):
        engine.set_tap(transformer.id, 7 + k)
    s_va = np.zeros(len(engine.loads), dtype=np.complex128)
    for k, feeder in enumerate(substation.feeders):
        p = 0.8 * feeder.base_mw * 1e6 / 3.0
        s_va[3 * k : 3 * k + 3] = p * (1.0 + 1j * np.tan(np.arccos(feeder.power_factor)))
    v = engine.solve(s_va[None])[0]
    layout, network = engine.layout, engine.network()
    grid = layout.bus_nodes(engine.source_bus)[0]

    net = pandapower_net(engine, s_va, v[grid] / layout.base_v[grid])

    for index, bus in net.bus.name.items():
        pu = np.abs(v[layout.bus_nodes(bus)]) / layout.base_v[layout.bus_nodes(bus)]
        assert pu == pytest.approx(np.full(3, net.res_bus.at[index, "vm_pu"]), abs=TOLERANCE_PU), bus
    s = network.point_voltages(v[None]) * np.conj(network.point_currents(v[None], np.array([engine.emf_v])))
    s_pu = s[0].sum(axis=-1) / 1e6 / BASE_MVA
    for k, point in enumerate(substation.points):
        if point.element.startswith("line."):
            row = net.res_line[net.line.name == point.element].iloc[0]
            side = "from" if point.terminal == 1 else "to"
            p, q = row[f"p_{side}_mw"], row[f"q_{side}_mvar"]
        elif point.element.startswith("transformer."):
            owner = next(t for t in substation.transformers if t.element == point.element)
            wide = len(owner.windings) == 3
            table, names = (net.res_trafo3w, net.trafo3w) if wide else (net.res_trafo, net.trafo)
            side = ("hv", "mv" if wide else "lv")[point.terminal - 1]
            row = table[names.name == owner.id].iloc[0]
            p, q = row[f"p_{side}_mw"], row[f"q_{side}_mvar"]
        else:
            p, q = -net.res_ext_grid.p_mw.sum(), -net.res_ext_grid.q_mvar.sum()
        assert s_pu[k].real == pytest.approx(p / BASE_MVA, abs=TOLERANCE_PU), point.id
        assert s_pu[k].imag == pytest.approx(q / BASE_MVA, abs=TOLERANCE_PU), point.id
    supplied = -s_pu[[point.element == substation.source for point in substation.points].index(True)]
    losses = supplied.real - s_va.sum().real / 1e6 / BASE_MVA
    stated = (net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum() + net.res_trafo3w.pl_mw.sum()) / BASE_MVA
    assert losses == pytest.approx(stated, abs=TOLERANCE_PU)
