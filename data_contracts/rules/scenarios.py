"""Rules of `scenarios`."""

from __future__ import annotations

import re

import msgspec
import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from data_contracts.rules.identity import kind_of

_DAY_S = 86_400
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _kind(block: Block) -> Mask:
    ids, names = block.codes("scenario_id")
    kinds, words = block.codes("kind")
    stated = [words[code] for code in kinds]
    mask = block.none()
    mask[:] = [kind_of(names[code]) != kind for code, kind in zip(ids, stated, strict=True)]
    return mask


KIND_AGREES = Rule(
    "kind_agrees",
    "kind is the one in scenario_id",
    "take both from the same ScenarioId",
    ("scenario_id", "kind"),
    _kind,
)


def _reason(block: Block) -> Mask:
    solved = block.where("status", lambda name: name == "ok")
    silent = block.where("reason", lambda text: text == "")
    return solved ^ silent


REASON_GIVEN = Rule(
    "reason_given",
    "an episode that was not solved says why, and one that was has no reason",
    "write the engine's reason code, or an empty string with status ok",
    ("status", "reason"),
    _reason,
)


def _digest(block: Block) -> Mask:
    return block.where("circuit_digest", lambda text: _DIGEST.fullmatch(text) is None)


CIRCUIT_DIGEST = Rule(
    "circuit_digest_form",
    "circuit_digest is a SHA-256 in hexadecimal",
    "write the substation's digest",
    ("circuit_digest",),
    _digest,
)


def _parameters(block: Block) -> Mask:
    decoder = msgspec.json.Decoder(dict[str, object])

    def broken(text: str) -> bool:
        try:
            decoder.decode(text)
        except msgspec.DecodeError:
            return True
        return False

    return block.where("parameters", broken)


PARAMETERS = Rule(
    "parameters_json",
    "parameters is a JSON object",
    "encode what was drawn as a JSON object",
    ("parameters",),
    _parameters,
)


class AssetDay(msgspec.Struct):
    """What the parameters of an episode of kind `ageing` must hold."""

    asset: str
    t_asset: int
    point: str
    weight: float


def _asset_day(block: Block) -> Mask:
    decoder = msgspec.json.Decoder(AssetDay)
    codes, texts = block.codes("parameters")
    begins, found = block.integers("t_start") // 1000, block.none()
    for row in np.flatnonzero(block.where("kind", lambda name: name == "ageing")):
        try:
            said = decoder.decode(texts[codes[row]])
        except msgspec.MsgspecError:
            found[row] = True
            continue
        known = said.asset in block.facts.assets and said.point in block.facts.points
        local = (said.t_asset + block.facts.utc_offset_s) % _DAY_S == 0
        within = 0 <= begins[row] - said.t_asset < _DAY_S
        found[row] = not (known and local and within and said.weight > 0.0)
    return found


ASSET_DAY = Rule(
    "asset_day",
    "the parameters of an episode of kind ageing hold a known asset and point, a positive weight and, as "
    "t_asset in seconds, the begin of the local day that the episode lies in",
    "name the row of assets that the episode was drawn from",
    ("kind", "t_start", "parameters"),
    _asset_day,
)
