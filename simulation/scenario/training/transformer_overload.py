"""The first transformer carries 110 % of its rating for two minutes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError
from simulation.scenario.episode import Episode
from simulation.scenario.parallel import without
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.training.spells import described, mark_quiet_moves, run
from simulation.scenario.transformer_load import bay, mark_overloads, transformer_loads
from simulation.thermal.sections import Section, can_be_out, sections
from substations.description import Transformer

LOAD_PU, DURATION_S = 1.10, 120
_START_S = (8, 22)
_MOST_GROWTH, _BRACKET, _HALVINGS = 8.0, 1.1, 34
# Load of the first transformer, with the other one out of service, up to which that is played.
_EASY_PU = 0.95


def simulate_transformer_overload(stage: Stage) -> Episode:
    """Play a transfer of load from a neighbouring station onto the feeders behind the first transformer.

    The feeders of its section grow by one factor, so that the apparent power that the transformer feeds its
    busbar with is 1.10 of its rating; then the load is taken back. Another transformer of the section is out
    of service, if there is one and the load before the transfer permits it.
    """
    out = _spare(stage)
    if out is None:
        return _play(stage, None)
    with without(stage, out) as left:
        return _play(left, out)


def _play(stage: Stage, out: Transformer | None) -> Episode:
    substation = stage.world.substation
    start = int(stage.rng.integers(*_START_S))
    stop = start + DURATION_S
    behind = _behind(stage)
    growth = _find_growth(stage, stage.conditions.s_va[start:stop].mean(axis=0), behind)
    s_va = stage.conditions.s_va.copy()
    s_va[start:stop, behind] *= growth
    recording, emf_pu = Recording(), stage.emf_pu
    operation = run(stage, s_va, ((start, emf_pu), (stop, emf_pu), (stage.seconds, emf_pu)), recording)
    loads = transformer_loads(substation, recording.states(), operation.states)
    labels = stage.quiet_labels()
    severity = mark_overloads(substation, loads, labels)
    mark_quiet_moves(stage, recording, operation, labels, (start, stop))
    unit = substation.transformers[0].id
    return stage.episode(
        recording,
        Timeline.steady(operation.states),
        labels,
        cause="load_transfer",
        severity=severity.get(unit),
        parameters={
            "situation": "overload",
            "asset": unit,
            "load_pu": float(loads[unit][start:stop].mean()),
            "out": "" if out is None else out.id,
            "start_s": start,
            "duration_s": DURATION_S,
            "growth": growth,
            "moves": described(operation.moves),
        },
        positions=operation.positions,
    )


def _spare(stage: Stage) -> Transformer | None:
    """The last transformer in parallel with the first, if those that are left would carry its load easily."""
    units = stage.world.substation.transformers
    section = _section(stage)
    beside = [k for k in section.transformers if k != 0 and k in can_be_out(stage.world.substation)]
    point = bay(stage.world.substation, units[0].element)
    if not beside or point is None:
        return None
    now = _load(stage, stage.conditions.s_va[0], point)
    others = section.transformers.index(beside[-1])
    return units[beside[-1]] if now / (1.0 - section.shares[others]) < _EASY_PU else None


def _section(stage: Stage) -> Section:
    return next(each for each in sections(stage.world.substation) if 0 in each.transformers)


def _behind(stage: Stage) -> NDArray[np.int64]:
    """Columns of the loads of the feeders in the section of the first transformer."""
    return (3 * np.array(_section(stage).feeders, dtype=np.int64)[:, None] + np.arange(3)).ravel()


def _load(stage: Stage, s_va: Complexes, point: int) -> float:
    """Solved load of the first transformer over its rating; `s_va` is that of each load, shape [l]."""
    engine, unit = stage.engine, stage.world.substation.transformers[0]
    v, network = engine.solve(s_va[None]), engine.network()
    i = network.point_currents(v, np.array([engine.emf_v]))[0, point]
    return abs(complex((network.point_voltages(v)[0, point] * i.conj()).sum())) / (unit.rated_mva * 1e6)


def _find_growth(stage: Stage, s_va: Complexes, behind: NDArray[np.int64]) -> float:
    """Factor of the feeders' power at which the solved load of the transformer is the one wanted."""
    substation, unit = stage.world.substation, stage.world.substation.transformers[0]
    point = bay(substation, unit.element)
    if point is None:
        raise InfeasibleError(
            f"{substation.name}: the load of {unit.id} is not measured where it feeds its busbar",
            "describe a transformer_bay at its second terminal",
        )

    def load(growth: float) -> float:
        grown = s_va.copy()
        grown[behind] *= growth
        return _load(stage, grown, point)

    low, high = 1.0, 1.0
    while load(high) < LOAD_PU:
        low, high = high, _BRACKET * high
        if high > _MOST_GROWTH:
            raise InfeasibleError(
                f"{substation.name}: {unit.id} stays below {LOAD_PU:g} of its rating with "
                f"{_MOST_GROWTH:g} times the load",
                "see the feeders behind it",
            )
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if load(middle) < LOAD_PU else (low, middle)
    return high
