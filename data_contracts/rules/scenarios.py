"""Rules of `scenarios`."""

from __future__ import annotations

import re

import msgspec

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from data_contracts.rules.identity import kind_of

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
