"""What a control centre knows of a state: telemetry with its errors, schedules, switch positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_contracts.power_flow import reactive
from data_contracts.tables.stability import KNOWN
from simulation.grid.plants import PLANTS, RENEWABLES, SLACK_BUS
from simulation.stability.case import BASE_MVA, Case
from simulation.stability.nadir import Loss, primary_reserve_mw, unit_inertia_mws
from simulation.stability.security import Security
from simulation.stability.state import State, rated_q_mvar

# Errors of telemetry: of a sum of active powers, of reactive ones, of a voltage, of a current, of the
# neighbour's figures (fractions), and of an angle, degrees.
P_ERROR, Q_ERROR, V_ERROR = 0.005, 0.015, 0.003
_I, _NEIGHBOUR, _ANGLE_DEG = 0.01, 0.05, 0.2
_INERTIA = 0.06
# Inertia constant that operators take for the neighbour, s.
_USUAL_INERTIA_S = 4.0
_HEAVY = 0.8


@dataclass(frozen=True, slots=True)
class Assessed:
    """A state, what it bears, and its largest loss of infeed."""

    state: State
    security: Security
    loss: Loss


def observe(rng: np.random.Generator, case: Case, assessed: Assessed, bus: int) -> dict[str, float]:
    """The columns of a state that an operator can read, by name; none of them needs the truth of a margin."""
    state, security, loss = assessed.state, assessed.security, assessed.loss

    def said(value: float, share: float) -> float:
        return float(value * (1.0 + share * rng.standard_normal()))

    plants = len(PLANTS)
    v = security.base.v[0]
    v_said = np.abs(v) * (1.0 + V_ERROR * rng.standard_normal(v.size))
    angle = np.degrees(np.angle(v * np.conj(v[SLACK_BUS]))) + _ANGLE_DEG * rng.standard_normal(v.size)
    lines = np.isfinite(case.rating_pu)
    current = case.currents(security.base.v, state.inside[None])[0]
    loading = (current / case.rating_pu)[lines] * (1.0 + _I * rng.standard_normal(int(lines.sum())))
    in_use = loading[state.inside[lines]]
    missing = (security.flows.share * security.base.missing[:, None])[0, _at_plants()]
    given = state.p_mw[:plants] + BASE_MVA * missing
    q = BASE_MVA * reactive(security.flows, security.base)[0]
    own = float(state.load_mw.sum())
    neighbour = said(loss.neighbour_mw, _NEIGHBOUR)
    stored = float((unit_inertia_mws() * state.running).sum()) + neighbour * _USUAL_INERTIA_S
    parks = state.renewable_mw
    fuels = np.array([plant.fuel for plant in PLANTS])
    kinds = np.array([park.kind for park in RENEWABLES])
    load = said(own, P_ERROR)
    renewable = said(float(parks.sum()), P_ERROR)
    found = {
        "load_metered_mw": load,
        "load_metered_mvar": said(float(state.load_mvar.sum()), Q_ERROR),
        "generation_metered_mw": said(float(given.sum() + parks.sum()), P_ERROR),
        "renewable_share_metered": max(renewable / load, 0.0),
        **{
            f"{kind}_metered_mw": said(float(parks[kinds == kind].sum()), P_ERROR)
            for kind in ("solar", "wind")
        },
        **{
            f"{fuel}_metered_mw": said(float(given[fuels == fuel].sum()), P_ERROR)
            for fuel in ("hydro", "gas", "coal", "nuclear")
        },
        "import_metered_mw": said(float(given[fuels == "interconnection"].sum()), P_ERROR),
        "neighbour_load_metered_mw": neighbour,
        "inertia_estimate_s": said(stored / (load + neighbour), _INERTIA),
        "primary_reserve_declared_mw": float(primary_reserve_mw(state).sum()),
        "spinning_reserve_metered_mw": said(float(state.headroom_mw.sum()), P_ERROR),
        "largest_infeed_metered_mw": said(loss.mw, P_ERROR),
        "units_running": float(state.running.sum()),
        "units_out": float(sum(plant.units for plant in PLANTS) - state.hour.units[0].sum()),
        "reactive_output_metered_mvar": said(float(q.sum()), Q_ERROR),
        "reactive_reserve_declared_mvar": float(rated_q_mvar(state.running).sum() - q.sum()),
        "stations_near_limit": float((q[_at_plants()] > 0.85 * rated_q_mvar(state.running)).sum()),
        "v_bus_metered_pu": float(v_said[bus]),
        "v_min_metered_pu": float(v_said.min()),
        "v_mean_metered_pu": float(v_said.mean()),
        "v_set_mean_pu": float(state.v_set_pu.mean()),
        "angle_spread_metered_deg": float(np.ptp(angle)),
        "angle_bus_metered_deg": float(angle[bus]),
        "bus_load_metered_mw": said(float(state.load_mw[bus]), P_ERROR),
        "bus_load_metered_mvar": said(float(state.load_mvar[bus]), Q_ERROR),
        "loading_max_metered_pct": 100.0 * float(in_use.max()),
        "loading_third_metered_pct": 100.0 * float(np.sort(in_use)[-3]),
        "loading_mean_metered_pct": 100.0 * float(in_use.mean()),
        "lines_heavy": float((in_use > _HEAVY).sum()),
        "loss_metered_mw": said(losses_mw(case, security, state), Q_ERROR),
        "lines_out": float((~state.inside).sum()),
        "branches_at_bus": float((state.inside & (case.ends == bus).any(axis=1)).sum()),
        "loops": float(state.inside.sum() - case.buses + 1),
        "out_near_hops": _hops(case, state, bus),
    }
    return {name: found[name] for name in KNOWN}


def _at_plants() -> list[int]:
    return [plant.bus for plant in PLANTS]


def losses_mw(case: Case, security: Security, state: State) -> float:
    """Losses of all branches in service, MW."""
    at_ends = security.base.v[0][case.ends]
    through = np.einsum("mij,mj->mi", case.admittance, at_ends)
    return float(BASE_MVA * (at_ends * np.conj(through)).real.sum(axis=1)[state.inside].sum())


def _hops(case: Case, state: State, bus: int) -> float:
    """Branches from the bus to the nearest one that is out in the whole grid; 10 where none is out."""
    if state.inside.all():
        return 10.0
    far = np.full(case.buses, np.inf)
    far[bus] = 0.0
    for _ in range(case.buses):
        np.minimum.at(far, case.ends[:, 0], far[case.ends[:, 1]] + 1.0)
        np.minimum.at(far, case.ends[:, 1], far[case.ends[:, 0]] + 1.0)
    return float(far[case.ends[~state.inside]].min())
