"""Rules about names: scenarios, points and buses that the substation's description knows."""

from __future__ import annotations

from functools import partial

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from switchyard.errors import UsageError
from switchyard.identity import ScenarioId

_SHOWN = 12


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


def _unknown_asset(block: Block) -> Mask:
    assets = block.facts.assets
    return block.where("asset", lambda name: name not in assets)


def _known_assets(block: Block) -> str:
    return _some(tuple(block.facts.assets))


KNOWN_ASSET = Rule(
    "known_asset",
    "asset is a piece of equipment of the substation's description",
    "correct the name, or add the piece to `assets` of substation.yaml",
    ("asset",),
    _unknown_asset,
    _known_assets,
)


def _no_transformer(block: Block) -> Mask:
    transformers = block.facts.transformers
    return block.where("asset", lambda name: name not in transformers)


def _known_transformers(block: Block) -> str:
    return _some(block.facts.transformers)


KNOWN_TRANSFORMER = Rule(
    "known_transformer",
    "asset is a transformer of the substation's description",
    "correct the name, or add the transformer to substation.yaml",
    ("asset",),
    _no_transformer,
    _known_transformers,
)


def _some(names: tuple[str, ...]) -> str:
    """The first names and how many more there are."""
    shown, more = names[:_SHOWN], len(names) - _SHOWN
    text = ", ".join(shown) or "none"
    return f"known are {text} and {more} more" if more > 0 else f"known are {text}"


def _other_substation(column: str, block: Block) -> Mask:
    return block.where(column, lambda name: name != block.facts.substation)


THIS_SUBSTATION = Rule(
    "this_substation",
    "substation is the one that the dataset belongs to",
    "stage each substation's rows under its own dataset",
    ("substation",),
    partial(_other_substation, "substation"),
)
