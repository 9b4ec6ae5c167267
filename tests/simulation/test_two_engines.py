"""The balanced substation, solved by OpenDSS and by pandapower, built from the same facts."""

import math
import warnings

import numpy as np
import pytest

import substations
from substations.engine import compiled

TOLERANCE_PU = 1e-4
BASE_MVA = 100.0
NAMES = ("mumbai", "delhi", "bangalore", "chennai")


def build_twin(substation, facts):
    """The substation as a pandapower net; branches are named as OpenDSS names them."""
    import pandapower as pp

    elements = facts.elements
    net = pp.create_empty_network(f_hz=substation.frequency_hz)
    bus = {b.id: pp.create_bus(net, b.nominal_kv, name=b.id) for b in substation.buses}
    emf = pp.create_bus(net, 400.0, name="emf")
    pp.create_ext_grid(net, emf, vm_pu=elements.source.v_pu)
    z_base = 400.0**2 / BASE_MVA
    pp.create_impedance(
        net, emf, bus["grid"], elements.source.r1_ohm / z_base, elements.source.x1_ohm / z_base, BASE_MVA
    )
    for line in elements.lines:
        if line.closed:
            pp.create_line_from_parameters(
                net,
                bus[line.bus1],
                bus[line.bus2],
                line.length_km,
                line.r1_ohm_per_km,
                line.x1_ohm_per_km,
                line.c1_nf_per_km,
                line.rated_a / 1e3,
                name=line.element,
            )
    for transformer in elements.transformers:
        add_transformer(pp, net, bus, transformer)
    for load in elements.loads:
        pp.create_load(net, bus[load.bus], load.p_kw / 1e3, load.q_kvar / 1e3)
    for unit in elements.capacitors:
        pp.create_shunt(net, bus[unit.bus], q_mvar=-unit.q_kvar / 1e3 * sum(unit.states) / len(unit.states))
    for reactor in elements.reactors:
        pp.create_shunt(net, bus[reactor.bus], q_mvar=reactor.q_kvar / 1e3)
    with warnings.catch_warnings():
        # pandapower calls deprecated functions of pandas and numpy.
        warnings.simplefilter("ignore")
        pp.runpp(
            net, tolerance_mva=1e-6, calculate_voltage_angles=True, trafo_model="t", init="dc", numba=False
        )
    return net


def add_transformer(pp, net, bus, transformer):
    windings = transformer.windings
    tap = {
        "tap_side": "hv",
        "tap_neutral": 0,
        "tap_pos": round((windings[0].ratio_pu - 1) / 0.0125),
        "tap_step_percent": 1.25,
        "tap_min": -8,
        "tap_max": 8,
        "tap_changer_type": "Ratio",
        "name": transformer.element,
    }
    if len(windings) == 2:
        r_pct = windings[0].r_pct + windings[1].r_pct
        pp.create_transformer_from_parameters(
            net,
            bus[windings[0].bus],
            bus[windings[1].bus],
            windings[0].rated_kva / 1e3,
            windings[0].nominal_kv,
            windings[1].nominal_kv,
            r_pct,
            math.hypot(transformer.x_hl_pct, r_pct),
            0,
            0,
            shift_degree=-transformer.lv_lead_deg,
            **tap,
        )
        return
    mva = [winding.rated_kva / 1e3 for winding in windings]
    # pandapower states each pair's voltage on the smaller rating of the pair, OpenDSS on the first winding's.
    pairs = ((0, 1, transformer.x_hl_pct), (1, 2, transformer.x_lt_pct), (0, 2, transformer.x_ht_pct))
    scale = [min(mva[i], mva[j]) / mva[0] for i, j, _ in pairs]
    r_pct = [windings[i].r_pct + windings[j].r_pct for i, j, _ in pairs]
    pp.create_transformer3w_from_parameters(
        net,
        *[bus[winding.bus] for winding in windings],
        *[winding.nominal_kv for winding in windings],
        *mva,
        *[math.hypot(x, r) * k for (_, _, x), r, k in zip(pairs, r_pct, scale, strict=True)],
        *[r * k for r, k in zip(r_pct, scale, strict=True)],
        0,
        0,
        **tap,
    )


def opendss_terminals(substation):
    """Three-phase complex power into each terminal of lines and transformers, MVA."""
    powers = {}
    with compiled(substation.circuit_file) as dss:
        circuit = dss.ActiveCircuit
        circuit.Solution.Solve()
        for name in (
            *("line." + n for n in circuit.Lines.AllNames),
            *("transformer." + n for n in circuit.Transformers.AllNames),
        ):
            circuit.SetActiveElement(name)
            element = circuit.ActiveCktElement
            if not element.Enabled:
                continue
            values = np.asarray(element.Powers).reshape(element.NumTerminals, -1, 2).sum(axis=1) / 1e3
            powers[name] = values[:, 0] + 1j * values[:, 1]
        losses_w = complex(*circuit.Losses)
    return powers, losses_w / 1e6


def pandapower_terminals(net):
    powers = {}
    for index, name in net.line.name.items():
        row = net.res_line.loc[index]
        powers[name] = np.array([row.p_from_mw + 1j * row.q_from_mvar, row.p_to_mw + 1j * row.q_to_mvar])
    for table, ends in (("trafo", ("hv", "lv")), ("trafo3w", ("hv", "mv", "lv"))):
        for index, name in net[table].name.items():
            row = net[f"res_{table}"].loc[index]
            powers[name] = np.array([row[f"p_{end}_mw"] + 1j * row[f"q_{end}_mvar"] for end in ends])
    return powers


@pytest.mark.parametrize("name", NAMES)
def test_balanced_substation__two_engines__voltages_flows_and_losses_agree(name):
    substation = substations.read(name)
    facts = substations.check(substation)
    net = build_twin(substation, facts)

    theirs = dict(zip(net.bus.name, net.res_bus.vm_pu, strict=True))
    for bus in facts.buses:
        assert bus.v_pu == pytest.approx([theirs[bus.id]] * 3, abs=TOLERANCE_PU), bus.id

    ours, losses_mva = opendss_terminals(substation)
    twins = pandapower_terminals(net)
    assert set(ours) == set(twins)
    for element, powers in ours.items():
        difference = np.abs(powers - twins[element]).max() / BASE_MVA
        assert difference < TOLERANCE_PU, f"{element}: {difference:.2e} pu"

    series = ("line", "trafo", "trafo3w")
    assert losses_mva.real / BASE_MVA == pytest.approx(
        sum(net[f"res_{table}"].pl_mw.sum() for table in series) / BASE_MVA, abs=TOLERANCE_PU
    )
