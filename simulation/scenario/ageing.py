"""Kind `ageing`: a day of one piece of equipment, with the trace of its defect in the readings."""

from __future__ import annotations

from typing import Any

from simulation.ageing.campaign import Span, mean_source_mva, observe_assets
from simulation.ageing.sampling import AssetDays, Drawn
from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.scenario.defects.growing import trace_of
from simulation.scenario.defects.places import nearest_point
from simulation.scenario.episode import Episode
from simulation.scenario.normal import mark_moves, run
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.stage import Stage
from simulation.scenario.unsolved import unsolved
from simulation.scenario.world import World
from substations.site import Asset
from switchyard.identity import ScenarioId, generator

# The days of the campaign that this process plays; living through the years takes seconds.
_days: dict[tuple[str, Span], AssetDays] = {}


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through some seconds of a day that was drawn, with its load, weather and defect."""
    drawn = asset_days(world, scenario).draw(scenario.index)
    asset = next(asset for asset in world.substation.assets if asset.id == drawn.asset)
    parameters = {
        "asset": asset.id,
        "t_asset": drawn.t_asset,
        "point": nearest_point(world.substation, asset).id,
        "stratum": drawn.stratum,
        "weight": drawn.weight,
        "defect_severity": drawn.severity,
    }
    try:
        stage = Stage.set(world, engine, scenario, seconds, day=drawn.day)
        return _play(stage, asset, drawn, parameters)
    except (NotConvergedError, InfeasibleError) as error:
        return unsolved(world, engine, scenario, seconds, error, day=drawn.day, parameters=parameters)


def asset_days(world: World, scenario: ScenarioId) -> AssetDays:
    """The days that can be drawn in a campaign: those of the table `assets`, lived through again."""
    span = Span(world.start, world.days, world.asset_years, scenario.campaign, scenario.seed)
    key = (world.substation.digest, span)
    if key not in _days:
        _days.clear()
        observation = observe_assets(world.substation, span, mean_source_mva(world.hours))
        _days[key] = AssetDays.of(observation, span, world.substation.name, world.substation.utc_offset_s)
    return _days[key]


def _play(stage: Stage, asset: Asset, drawn: Drawn, parameters: dict[str, Any]) -> Episode:
    world, scenario = stage.world, stage.scenario
    stream = (scenario.substation, scenario.campaign, str(scenario.seed), asset.id, f"{drawn.spell}")
    of_the_defect = generator(*stream, "defect")
    trace = trace_of(world.substation, asset, drawn.severity, defect=of_the_defect, day=stage.rng)
    recording = Recording()
    trace.apply(stage.engine)
    try:
        operation = run(stage, recording, busy=False)
    finally:
        trace.undo(stage.engine)
    labels = stage.quiet_labels()
    mark_moves(world, recording.states(), operation, labels)
    return stage.episode(
        recording,
        Timeline.steady(operation.states),
        labels,
        cause=trace.defect,
        parameters={**parameters, "phases": trace.phases, **trace.parameters()},
        positions=operation.positions,
        malfunctions=trace.malfunctions(stage.seconds),
    )
