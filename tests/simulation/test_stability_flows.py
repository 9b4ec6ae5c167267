"""Power flow, nose, failures and frequency of the grid's states against closed forms and pandapower."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data_contracts.nose import FINE, margins
from data_contracts.power_flow import Flows, Solved, flat, reactive, residual, solve
from data_contracts.stability_score import EMERGENCY, SHEDDING_HZ
from simulation.demand import simulate_load
from simulation.errors import InfeasibleError
from simulation.frequency.disturbance import Disturbance
from simulation.frequency.system import Systems
from simulation.grid.dispatch import LOSS_SHARE
from simulation.grid.fleet import Fleet
from simulation.grid.network import build_network
from simulation.grid.plants import PLANTS, SLACK_BUS
from simulation.stability.case import RATING_FACTOR, Case, read_case
from simulation.stability.cheapest import cheapest
from simulation.stability.nadir import Loss, lowest, nadirs_hz
from simulation.stability.outages import credible, examine, flows_after
from simulation.stability.score import score
from simulation.stability.state import Place, State, draw_state
from substations.description import Substation
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

EVERY = 5


@pytest.fixture(scope="module")
def net() -> Any:
    return build_network()


@pytest.fixture(scope="module")
def case(net: Any) -> Case:
    return read_case(net, RATING_FACTOR)


@pytest.fixture(scope="module")
def states(mumbai: Substation, small_profile: Profile, case: Case) -> list[State]:
    """States of the kind that have a solution."""
    plan = small_profile.simulation
    loads = simulate_load(mumbai, plan.start, plan.load_days, small_profile.name, small_profile.seed)
    place = Place(mumbai.grid_bus, mumbai.utc_offset_s, loads)
    found: list[State] = []
    for index in range(12):
        rng = ScenarioId("mumbai", "small", 11, "contingency", index).generator("state")
        with suppress(InfeasibleError):
            state = draw_state(rng, case, place, int(loads.t[40 + 96 * index]) // 3600 * 3600)
            found.append(replace(state, inside=np.ones_like(state.inside)))
    return found[:4]


def two_buses(p_pu: float, q_pu: float, x_pu: float) -> Flows:
    """A source that holds 1 pu, and a load behind a reactance."""
    y = 1.0 / (1j * x_pu)
    return Flows(
        y=np.array([[[y, -y], [-y, y]]]),
        live=np.ones((1, 2), dtype=bool),
        p=np.array([[0.0, -p_pu]]),
        q=np.array([[0.0, -q_pu]]),
        share=np.array([[1.0, 0.0]]),
        regulated=np.array([[True, False]]),
        v_set=np.ones((1, 2)),
        q_min=np.full((1, 2), -np.inf),
        q_max=np.full((1, 2), np.inf),
    )


def loaded(net: Any, case: Case, load_pu: float, q_share: float) -> Flows:
    """The case with every plant at the same share of its rating, put into pandapower's network too."""
    buses = case.buses
    total = sum(plant.p_max_mw for plant in PLANTS)
    net.load["p_mw"] = load_pu * case.load_mw[net.load.bus]
    net.load["q_mvar"] = load_pu * case.load_mvar[net.load.bus]
    net.sgen["p_mw"], net.line["in_service"], net.trafo["in_service"] = 0.0, True, True
    given = np.array([net.load.p_mw.sum() * plant.p_max_mw / total for plant in PLANTS])
    net.gen["p_mw"] = given
    net.gen["vm_pu"] = [plant.v_pu for plant in PLANTS]
    rated = q_share * np.array([plant.p_max_mw for plant in PLANTS])
    rated[[plant.bus == SLACK_BUS for plant in PLANTS]] = 1e4
    net.gen["min_q_mvar"], net.gen["max_q_mvar"] = -rated, rated
    at = np.zeros((len(PLANTS), buses))
    at[np.arange(len(PLANTS)), [plant.bus for plant in PLANTS]] = 1.0
    v_set = [plant.v_pu for plant in PLANTS] @ at
    return Flows(
        y=case.matrix(np.ones((1, len(case.names)), dtype=bool)),
        live=np.ones((1, buses), dtype=bool),
        p=(given @ at - load_pu * case.load_mw)[None] / 100.0,
        q=-load_pu * case.load_mvar[None] / 100.0,
        share=np.eye(buses)[[SLACK_BUS]],
        regulated=at.any(axis=0)[None],
        v_set=v_set[None],
        q_min=-(rated @ at)[None] / 100.0,
        q_max=(rated @ at)[None] / 100.0,
    )


def run(net: Any, *, limits: bool) -> np.ndarray:
    """pandapower's voltages, angles counted from the slack."""
    import pandapower as pp

    pp.runpp(net, numba=False, init="dc", enforce_q_lims=limits, tolerance_mva=1e-9, max_iteration=50)
    turn = np.deg2rad(net.res_bus.va_degree.to_numpy() - net.res_bus.va_degree.at[SLACK_BUS])
    return net.res_bus.vm_pu.to_numpy() * np.exp(1j * turn)


def from_slack(v: np.ndarray) -> np.ndarray:
    return v * np.conj(v[SLACK_BUS]) / abs(v[SLACK_BUS])


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("tan_phi", [0.0, 0.3, 0.75])
def test_margins__two_buses__end_at_the_closed_forms_nose(tan_phi: float, again: bool) -> None:
    x_pu = 0.2
    # P_max = E²/(2X)·(√(1 + tan²φ) − tan φ), the textbook's nose of a lossless line (from common knowledge).
    most = (np.hypot(1.0, tan_phi) - tan_phi) / (2.0 * x_pu)
    p = most / 1.4
    flows = two_buses(p, tan_phi * p, x_pu)

    search = replace(FINE, again=again)

    found = margins(flows, solve(flows, flat(flows)), flows.p, flows.q, search=search)

    assert 0.4 - 2.0 * FINE.resolution < found[0] <= 0.4


def test_margins__station_with_little_reactive_power__ends_earlier() -> None:
    flows = two_buses(1.8, 0.0, 0.2)
    tight = replace(flows, q_max=np.array([[1.0, 0.0]]))

    free = margins(flows, solve(flows, flat(flows)), flows.p, flows.q)
    held = margins(tight, solve(tight, flat(tight)), flows.p, flows.q)

    assert held[0] < free[0] - 0.05


@pytest.mark.parametrize("load_pu", [0.7, 1.0])
def test_solve__whole_grid__agrees_with_pandapower(net: Any, case: Case, load_pu: float) -> None:
    flows = loaded(net, case, load_pu, 10.0)

    found = solve(flows, flat(flows))

    assert found.ok.all()
    assert np.abs(from_slack(found.v[0]) - run(net, limits=False)).max() < 1e-8
    assert max(residual(flows, found)[k][0] for k in range(2)) < 1e-9


def test_solve__stations_at_their_limits__agrees_with_pandapower(net: Any, case: Case) -> None:
    flows = loaded(net, case, 1.0, 0.25)

    found = solve(flows, flat(flows))

    assert found.ok.all()
    assert 2 <= (found.held[0] != 0).sum() < len(PLANTS)
    assert np.abs(from_slack(found.v[0]) - run(net, limits=True)).max() < 1e-8


def test_solve__more_load_than_the_grid_bears__has_no_solution(net: Any, case: Case) -> None:
    flows = loaded(net, case, 3.0, 10.0)

    assert not solve(flows, flat(flows)).ok.any()


def test_examine__every_fifth_failure__agrees_with_pandapower(
    net: Any, case: Case, states: list[State]
) -> None:
    loaded(net, case, 1.0, 10.0)
    for state in states[:1]:
        base_flows = flows_after(case, state, (None,))
        base = solve(base_flows, flat(base_flows))
        outages = credible(case, state)
        flows = flows_after(case, state, outages)
        after = examine(case, state, outages, flows, base)
        for k in range(0, len(outages), EVERY):
            if not (after.solved.ok[k] and flows.live[k].all()):
                continue
            v = _brute(net, state, flows.rows([k]), after.solved.rows([k]), outages[k])
            lines = net.res_line.i_ka.to_numpy() / net.line.max_i_ka.to_numpy() / RATING_FACTOR

            assert np.abs(from_slack(after.solved.v[k]) - v).max() < 1e-7
            assert after.loading[k] == pytest.approx(lines.max(), abs=1e-6)
            assert after.line[k] == lines.argmax()


def _brute(net: Any, state: State, flows: Flows, found: Solved, outage: Any) -> np.ndarray:
    net.line["in_service"], net.trafo["in_service"] = True, True
    if outage.branch:
        table, row = (
            (net.line, outage.row) if outage.row < len(net.line) else (net.trafo, outage.row - len(net.line))
        )
        table.loc[row, "in_service"] = False
    # What is not of the stations is in the loads: those of the parks, and of what is shared out nothing.
    net.load["p_mw"], net.load["q_mvar"] = 0.0, 0.0
    net.gen["p_mw"] = [
        100.0 * (flows.p[0, plant.bus] + flows.share[0, plant.bus] * found.missing[0]) for plant in PLANTS
    ]
    # pandapower holds the slack's voltage whatever it takes.
    slack = [plant.bus == SLACK_BUS for plant in PLANTS]
    net.gen["vm_pu"] = np.where(slack, abs(found.v[0, SLACK_BUS]), state.v_set_pu)
    for name, limit in (("min_q_mvar", flows.q_min), ("max_q_mvar", flows.q_max)):
        net.gen[name] = [100.0 * limit[0, plant.bus] for plant in PLANTS]
    own = [plant.bus for plant in PLANTS]
    free = net.load[~net.load.bus.isin(own)].index
    at = net.load.bus.loc[free]
    net.load.loc[free, "p_mw"] = -100.0 * flows.p[0, at]
    net.load.loc[free, "q_mvar"] = -100.0 * flows.q[0, at]
    stations = net.load[net.load.bus.isin(own)].index
    net.load.loc[stations, "q_mvar"] = -100.0 * flows.q[0, net.load.bus.loc[stations]]
    return run(net, limits=True)


def test_flows_after__line_to_a_part_of_the_grid__loses_that_part(case: Case, states: list[State]) -> None:
    outages = credible(case, states[0])
    bridge = next(each for each in outages if each.name == "line-b16-b19")

    flows = flows_after(case, states[0], (bridge,))
    gone = {18, 19, 32, 33}

    assert set(np.flatnonzero(~flows.live[0])) == gone
    assert flows.share[0].sum() == pytest.approx(1.0)
    assert not flows.regulated[0, [32, 33]].any()


def test_credible__stations_transformers__are_left_to_their_units(case: Case, states: list[State]) -> None:
    names = [each.name for each in credible(case, states[0])]

    assert len(set(names)) == len(names)
    assert "transformer-b02-b30" not in names
    assert "unit-b30-hydro" in names


def test_examine__severity__is_of_currents_and_voltages(case: Case, states: list[State]) -> None:
    base_flows = flows_after(case, states[0], (None,))
    outages = credible(case, states[0])
    flows = flows_after(case, states[0], outages)
    after = examine(case, states[0], outages, flows, solve(base_flows, flat(base_flows)))
    ok = after.solved.ok
    departure = np.maximum(1.0 - after.v_min_pu, after.v_max_pu - 1.0) / 0.1

    assert np.allclose(after.severity[ok], np.maximum(after.loading / EMERGENCY, departure)[ok])
    assert np.isinf(after.severity[~ok]).all()


def test_reactive__solved_state__keeps_stations_within_their_limits(case: Case, states: list[State]) -> None:
    for state in states:
        flows = flows_after(case, state, (None,))
        found = solve(flows, flat(flows))
        given = reactive(flows, found)

        assert found.ok.all()
        assert (given <= flows.q_max + 1e-6).all()
        assert (given >= flows.q_min - 1e-6).all()


def test_cheapest__within_lines__serves_load_and_keeps_ratings(case: Case) -> None:
    load = 0.7 * case.load_mw
    p_mw, share = cheapest(case.flows, Fleet.usual(), load, (0.6, 1.0))
    net_mw = -load * (1.0 + LOSS_SHARE)
    np.add.at(net_mw, [plant.bus for plant in PLANTS] + [3, 26, 7, 28], p_mw)
    limited = np.isfinite(case.flows.rating_mw)

    assert p_mw.sum() == pytest.approx(load.sum() * (1.0 + LOSS_SHARE))
    assert (
        np.abs(case.flows.sensitivity @ net_mw)[limited] <= share * case.flows.rating_mw[limited] + 1e-6
    ).all()


def test_cheapest__more_load_than_plants__is_infeasible(case: Case) -> None:
    with pytest.raises(InfeasibleError, match="no dispatch serves"):
        cheapest(case.flows, Fleet.usual(), 3.0 * case.load_mw, (1.0,))


def test_nadirs__linear_system__is_that_of_anderson_and_mirheydar() -> None:
    h, d, r, km, fh, tr = 4.0, 1.0, 0.05, 0.95, 0.3, 8.0
    loss = Loss(Systems.reheat(), Disturbance("unit_trip", 1.0, -0.02), "unit", 100.0, h, 100.0, 0.0)
    # Their time of the nadir is where dω/dt = 0: tan(ω_r·t) = ω_r·T_R / (ζ·ω_n·T_R − 1).
    wn = np.sqrt((d * r + km) / (2.0 * h * r * tr))
    zeta = (2.0 * h * r + (d * r + km * fh) * tr) / (2.0 * (d * r + km)) * wn
    wr = wn * np.sqrt(1.0 - zeta**2)
    t = np.arctan2(wr * tr, zeta * wn * tr - 1.0) / wr
    alpha = np.sqrt((1.0 - 2.0 * tr * zeta * wn + (tr * wn) ** 2) / (1.0 - zeta**2))
    phi = np.arctan2(wr * tr, 1.0 - zeta * wn * tr) - np.arctan2(np.sqrt(1.0 - zeta**2), -zeta)
    deep = r * 0.02 / (d * r + km) * (1.0 + alpha * np.exp(-zeta * wn * t) * np.sin(wr * t + phi))

    assert nadirs_hz([loss])[0] == pytest.approx(50.0 * (1.0 - deep), abs=2e-3 * 50.0 * deep)


def test_lowest__parabola_between_samples__is_its_vertex() -> None:
    t = np.arange(10.0)

    found = lowest(np.column_stack([(t - 4.3) ** 2 - 7.0, -t]))

    assert found == pytest.approx([-7.0, -9.0])


@pytest.mark.parametrize(
    ("margin_pu", "severity", "above_hz", "total", "by"),
    [
        (0.05, 0.5, 0.5, 60.0, "voltage"),
        (0.30, 1.0, 0.5, 60.0, "outages"),
        (0.30, 0.5, 0.0, 60.0, "frequency"),
        (0.10, 0.9, 0.20, 80.0, "voltage"),
        (0.0, np.inf, 0.5, 0.0, "voltage"),
        (0.6, 0.3, 0.5, 100.0, "voltage"),
    ],
)
def test_score__stated_points__gives_stated_scores(
    margin_pu: float, severity: float, above_hz: float, total: float, by: str
) -> None:
    found = score(margin_pu, severity, SHEDDING_HZ + above_hz)

    assert found.total == pytest.approx(total)
    assert found.limited_by == by
