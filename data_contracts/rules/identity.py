"""Rules about names: scenarios, points and buses that the substation's description knows."""

from __future__ import annotations

from functools import partial

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from switchyard.errors import UsageError
from switchyard.identity import ScenarioId


def kind_of(scenario_id: str) -> str:
    """The kind in a scenario identifier, "" where it is not one."""
    try:
        return ScenarioId.parse(scenario_id).kind
    except UsageError:
        return ""


def _is_not_scenario(block: Block) -> Mask:
    def broken(text: str) -> bool:
        try:
            return ScenarioId.parse(text).substation != block.facts.substation
        except UsageError:
            return True

    return block.where("scenario_id", broken)


SCENARIO_ID_FORM = Rule(
    "scenario_id_form",
    "scenario_id has the form substation.campaign.seed.kind.index and names this substation",
    "write it with switchyard.identity.ScenarioId",
    ("scenario_id",),
    _is_not_scenario,
)


def _unknown_point(block: Block) -> Mask:
    points = block.facts.points
    return block.where("point", lambda name: name not in points)


KNOWN_POINT = Rule(
    "known_point",
    "point is a measurement point of the substation's description",
    "correct the name, or add the point to substation.yaml",
    ("point",),
    _unknown_point,
)


def _unknown_bus(block: Block) -> Mask:
    buses = block.facts.buses
    return block.where("bus", lambda name: name not in buses)


KNOWN_BUS = Rule(
    "known_bus",
    "bus is a bus of the substation's description",
    "correct the name, or add the bus to substation.yaml",
    ("bus",),
    _unknown_bus,
)


def _other_substation(column: str, block: Block) -> Mask:
    return block.where(column, lambda name: name != block.facts.substation)


THIS_SUBSTATION = Rule(
    "this_substation",
    "substation is the one that the dataset belongs to",
    "stage each substation's rows under its own dataset",
    ("substation",),
    partial(_other_substation, "substation"),
)
