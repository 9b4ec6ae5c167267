"""States of a part, drawn, solved and scored; what has no solution is kept with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_contracts.power_flow import residual
from data_contracts.rules.stability import MARGINAL, STABLE
from simulation.clock import DAY_S, local_midnight
from simulation.demand import FeederLoads
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.stability.case import BASE_MVA, Case, the_case
from simulation.stability.known import Assessed, losses_mw, observe
from simulation.stability.nadir import draw_loss, nadirs_hz
from simulation.stability.scada import measure
from simulation.stability.score import score
from simulation.stability.security import IslandedError, secure
from simulation.stability.state import Place, draw_state
from substations.description import Substation
from switchyard.identity import ScenarioId, generator
from switchyard.profiles import Profile

Value = float | str | list[float]

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Outcome:
    """One state.

    Attributes:
        scenario: Its identifier.
        t: Unix seconds of its hour.
        status: `ok`, or why there is no solution.
        reason: The same in words; empty where status is ok.
        out: Names of branches that are out; empty where no state was dispatched.
        values: Columns of what is known and of the truth; empty without a solution.
    """

    scenario: ScenarioId
    t: int
    status: str
    reason: str
    out: tuple[str, ...]
    values: dict[str, Value]


def play(
    substation: Substation, profile: Profile, scenarios: tuple[ScenarioId, ...], loads: FeederLoads
) -> tuple[Outcome, ...]:
    """Draw and solve states; what comes of each does not depend on the others."""
    place = Place(substation.grid_bus, substation.utc_offset_s, loads)
    case, solved, found = the_case(), dict[ScenarioId, Assessed](), dict[ScenarioId, Outcome]()
    for scenario in scenarios:
        t = _hour(substation, profile, scenario)
        out: tuple[str, ...] = ()
        try:
            state = draw_state(scenario.generator("state"), case, place, t)
            out = tuple(case.names[k] for k in np.flatnonzero(~state.inside))
            security = secure(case, state, place.bus)
        except (InfeasibleError, NotConvergedError) as error:
            found[scenario] = Outcome(scenario, t, _status(error), error.message, out, {})
            continue
        loss = draw_loss(
            scenario.generator("frequency"), substation.name, float(substation.frequency_hz), state
        )
        solved[scenario] = Assessed(state, security, loss)
        found[scenario] = Outcome(scenario, t, "ok", "", out, {})
    nadirs = nadirs_hz([each.loss for each in solved.values()])
    for (scenario, each), nadir in zip(solved.items(), nadirs, strict=True):
        found[scenario].values.update(observe(scenario.generator("meters"), case, each, place.bus))
        found[scenario].values.update(measure(scenario.generator("scada"), case, each.state, each.security))
        found[scenario].values.update(_truth(case, each, float(nadir), place.bus))
    return tuple(found[scenario] for scenario in scenarios)


def _hour(substation: Substation, profile: Profile, scenario: ScenarioId) -> int:
    """Unix seconds of the state's hour; days are spread as those of all kinds are."""
    plan = profile.simulation
    first = generator(
        scenario.substation, scenario.campaign, str(scenario.seed), scenario.kind, "days"
    ).random()
    day = int(plan.load_days * ((first + scenario.index * _GOLDEN) % 1.0))
    midnight = local_midnight(plan.start, substation.utc_offset_s)
    # Where the local clock is off by half an hour, hours still begin with those of UTC.
    return (midnight + day * DAY_S) // 3600 * 3600 + 3600 * int(scenario.generator("time").integers(1, 24))


def _status(error: InfeasibleError | NotConvergedError) -> str:
    if isinstance(error, IslandedError):
        return "islanded"
    return "not_converged" if isinstance(error, NotConvergedError) else "infeasible"


def _truth(case: Case, solved: Assessed, nadir_hz: float, bus: int) -> dict[str, Value]:
    state, security, loss = solved.state, solved.security, solved.loss
    after, worst = security.after, security.worst
    severity = float(after.severity[worst])
    scored = score(security.nose_after_pu, severity, nadir_hz)
    p_residual, q_residual = residual(security.flows, security.base)
    values: dict[str, Value] = {
        "load_mw": float(state.load_mw.sum()),
        "generation_mw": float(state.p_mw.sum() + BASE_MVA * security.base.missing[0]),
        "loss_mw": losses_mw(case, security, state),
        "v_bus_pu": float(np.abs(security.base.v[0, bus])),
        "loading_max_pct": 100.0
        * float((case.currents(security.base.v, state.inside[None])[0] / case.rating_pu).max()),
        "nose_pct": 100.0 * security.nose_pu,
        "bus_nose_mw": security.bus_nose_mw,
        "nose_after_pct": 100.0 * security.nose_after_pu,
        "limiting_contingency": security.limiting.name,
        "contingencies": float(len(security.outages)),
        "unsolved": float((~after.solved.ok).sum()),
        "violations": float((after.severity > 1.0).sum()),
        "islanding": float((after.lost_mw > 0.0).sum()),
        "cut_off_mw": float(after.lost_mw.max()),
        "worst_contingency": security.outages[worst].name,
        "severity": severity,
        "largest_infeed": loss.name,
        "largest_infeed_mw": loss.mw,
        "inertia_s": loss.inertia_s,
        "primary_reserve_mw": loss.reserve_mw,
        "nadir_hz": nadir_hz,
        "score_voltage": scored.voltage,
        "score_outages": scored.outages,
        "score_frequency": scored.frequency,
        "score": scored.total,
        "stability_class": _class_of(scored.total),
        "limited_by": scored.limited_by,
        "residual_p_pu": float(p_residual[0]),
        "residual_q_pu": float(q_residual[0]),
    }
    if not np.isfinite(severity):
        del values["severity"]
    if after.solved.ok.any():
        values["loading_after_pct"] = 100.0 * float(after.loading[after.solved.ok].max())
        values["v_min_after_pu"] = float(after.v_min_pu[after.solved.ok].min())
    return values


def _class_of(total: float) -> str:
    return "stable" if total > STABLE else "unstable" if total < MARGINAL else "marginal"
