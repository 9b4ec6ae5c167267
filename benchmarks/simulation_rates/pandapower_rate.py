"""The same unbalanced power flow by pandapower."""

from __future__ import annotations

from benchmarks.simulation_rates.timing import SUBSTATION, rate
from simulation.scenario.conditions import draw_conditions
from simulation.solving import Bench
from switchyard.identity import ScenarioId


def runpp_3ph_rate(bench: Bench) -> float:
    """Unbalanced power flows per second by pandapower: the same buses, lines and loads."""
    import pandapower as pp

    description, scenario = bench.world.substation, ScenarioId(SUBSTATION, "bench", 1, "normal", 0)
    s_va = draw_conditions(scenario.generator("scenario"), bench.world, scenario, 20).s_va[0] / 1e6
    net = pp.create_empty_network(f_hz=50.0, sn_mva=100.0)
    tertiary = {winding.bus for each in description.transformers for winding in each.windings[2:]}
    buses = [each for each in description.buses if each.id not in tertiary]
    bus = {each.id: pp.create_bus(net, vn_kv=each.nominal_kv) for each in buses}
    strength = {"s_sc_max_mva": 9000.0, "rx_max": 0.06, "x0x_max": 1.0, "r0x0_max": 0.2}
    pp.create_ext_grid(net, bus[bench.engine.source_bus], **strength)
    ends = [(bench.engine.source_bus, infeed.bus, infeed.length_km) for infeed in description.infeeds]
    ends += [(feeder.bus, feeder.end_bus, feeder.length_km) for feeder in description.feeders]
    ends += [(*coupler.buses, 0.05) for coupler in description.couplers if coupler.closed]
    for one, other, length in ends:
        ohms = {"r_ohm_per_km": 0.08, "x_ohm_per_km": 0.3, "c_nf_per_km": 10.0}
        zero = {"r0_ohm_per_km": 0.25, "x0_ohm_per_km": 1.0, "c0_nf_per_km": 6.0}
        pp.create_line_from_parameters(net, bus[one], bus[other], length, max_i_ka=1.0, **ohms, **zero)
    for transformer in description.transformers:
        high, low = transformer.windings[:2]
        pp.create_transformer_from_parameters(
            net,
            bus[high.bus],
            bus[low.bus],
            sn_mva=high.rated_mva,
            vn_hv_kv=high.nominal_kv,
            vn_lv_kv=low.nominal_kv,
            vk_percent=transformer.x_hl_pct,
            vkr_percent=0.3,
            pfe_kw=0.0,
            i0_percent=0.1,
            vector_group="YNyn",
            vk0_percent=transformer.x_hl_pct,
            vkr0_percent=0.3,
            mag0_percent=100.0,
            mag0_rx=0.0,
            si0_hv_partial=0.9,
        )
    for k, feeder in enumerate(description.feeders):
        a, b, c = s_va[3 * k : 3 * k + 3]
        pp.create_asymmetric_load(
            net,
            bus[feeder.end_bus],
            p_a_mw=a.real,
            p_b_mw=b.real,
            p_c_mw=c.real,
            q_a_mvar=a.imag,
            q_b_mvar=b.imag,
            q_c_mvar=c.imag,
        )
    pp.runpp_3ph(net, numba=False)
    return rate(1, lambda: pp.runpp_3ph(net, numba=False))
