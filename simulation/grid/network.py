"""The transmission network: pandapower's 39-bus case at 50 Hz and Indian voltage levels.

The case (the New England system of Athay, Podmore and Virmani, 1979, as in MATPOWER's `case39`) has 345 kV
and 60 Hz. Its impedances are kept in pu on 400 kV; a line's inductance and capacitance do not know the
frequency, so that its reactance and its charging fall by 50/60; transformers and machines are taken as
designed for 50 Hz.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.grid.plants import PLANTS, RENEWABLES, SLACK_BUS

if TYPE_CHECKING:
    import pandapower as pp

EHV_KV = 400.0
HV_KV = 220.0
UNIT_KV = 21.0

_CASE_KV = 345.0
_CASE_HZ = 60.0
_F_HZ = 50.0
_HV_BUSES = (11, 19)
_UNIT_BUSES = (29, 30, 31, 32, 33, 34, 35, 36, 37)
# Branch 23–36 of the case is a unit transformer written as a line.
_TRANSFORMER_LINE = 29
_UNIT_MVA = 900.0
_XD_SUBTRANSIENT_PU = 0.2
# Transformers that the case has without resistance lose at least this.
_LEAST_VKR_PCT = 0.3
# Share of the case's fixed tap boost (up to 7 %) that is kept: the machines' voltages are nearer to 1 here.
_BOOST = 0.2
_POWER_FACTOR = 0.85


def build_network() -> pp.pandapowerNet:
    """The grid with its plants, renewables (static generators, at rest) and the case's loads."""
    import pandapower as pp
    from pandapower.networks import case39

    case = case39()
    net = pp.create_empty_network(f_hz=_F_HZ, sn_mva=100.0, name="grid39")
    for index in case.bus.index:
        level = UNIT_KV if index in _UNIT_BUSES else HV_KV if index in _HV_BUSES else EHV_KV
        pp.create_bus(net, vn_kv=level, index=int(index), name=f"b{int(index) + 1:02d}")
    _add_branches(net, case)
    for row in case.load.itertuples():
        pp.create_load(net, int(row.bus), p_mw=row.p_mw, q_mvar=row.q_mvar)
    for plant in PLANTS:
        pp.create_gen(
            net,
            plant.bus,
            p_mw=plant.p_max_mw,
            vm_pu=plant.v_pu,
            sn_mva=plant.p_max_mw / _POWER_FACTOR,
            name=plant.fuel,
            slack=plant.bus == SLACK_BUS,
            vn_kv=float(net.bus.at[plant.bus, "vn_kv"]),
            xdss_pu=_XD_SUBTRANSIENT_PU,
            rdss_ohm=0.0,
            cos_phi=_POWER_FACTOR,
            pg_percent=0.0,
        )
    for park in RENEWABLES:
        pp.create_sgen(
            net,
            park.bus,
            p_mw=0.0,
            q_mvar=0.0,
            sn_mva=park.p_max_mw,
            name=park.kind,
            current_source=True,
            k=1.2,
        )
    # Created row by row this column is of type object, which pandapower itself warns about.
    net.trafo["power_station_unit"] = net.trafo["power_station_unit"].astype(bool)
    return net


def _add_branches(net: pp.pandapowerNet, case: pp.pandapowerNet) -> None:
    import pandapower as pp

    ohms = (EHV_KV / _CASE_KV) ** 2
    for row in case.line.itertuples():
        if row.Index == _TRANSFORMER_LINE:
            vk_pct = 100.0 * row.x_ohm_per_km / (_CASE_KV**2 / _UNIT_MVA)
            _add_transformer(
                net, (int(row.from_bus), int(row.to_bus)), sn_mva=_UNIT_MVA, vk_pct=vk_pct, boost_pct=0.0
            )
            continue
        pp.create_line_from_parameters(
            net,
            int(row.from_bus),
            int(row.to_bus),
            length_km=1.0,
            r_ohm_per_km=row.r_ohm_per_km * ohms,
            x_ohm_per_km=row.x_ohm_per_km * ohms * _F_HZ / _CASE_HZ,
            # The same farads in pu of a line at 400 kV; pandapower multiplies by the network's frequency
            # itself.
            c_nf_per_km=row.c_nf_per_km / ohms,
            max_i_ka=row.max_i_ka * _CASE_KV / EHV_KV,
        )
    for row in case.trafo.itertuples():
        _add_transformer(
            net,
            (int(row.hv_bus), int(row.lv_bus)),
            sn_mva=row.sn_mva,
            vk_pct=row.vk_percent,
            vkr_pct=row.vkr_percent,
            boost_pct=_BOOST * row.tap_pos * row.tap_step_percent,
        )


def _add_transformer(
    net: pp.pandapowerNet,
    buses: tuple[int, int],
    *,
    sn_mva: float,
    vk_pct: float,
    vkr_pct: float = 0.0,
    boost_pct: float,
) -> None:
    import pandapower as pp

    high, low = sorted(buses, key=lambda bus: -float(net.bus.at[bus, "vn_kv"]))
    pp.create_transformer_from_parameters(
        net,
        high,
        low,
        sn_mva=sn_mva,
        vn_hv_kv=float(net.bus.at[high, "vn_kv"]),
        vn_lv_kv=float(net.bus.at[low, "vn_kv"]),
        vk_percent=vk_pct,
        vkr_percent=max(vkr_pct, _LEAST_VKR_PCT),
        pfe_kw=0.0,
        i0_percent=0.0,
        tap_side="hv",
        tap_neutral=0,
        tap_pos=1,
        tap_step_percent=boost_pct,
        tap_changer_type="Ratio",
        power_station_unit=False,
    )
