"""Which round of which federation a message belongs to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Literal

import msgspec

from federation.errors import WireError
from federation.message import Message
from federation.wire import encode_packed, pack

ENVELOPE = "envelope"


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a header that is the same for every family.

    Attributes:
        kind: `state` from the control centre, `update` from a site, `failure` from a site that could not.
        federation: Identifier of the run.
        model: Registered name of the model.
        family: Name of the family.
        round: Counted from 0.
        nonce: Drawn for every round; an update must carry the nonce of the round that it answers.
        site: Who sends or is sent to.
        schema: Digest of what both sides must agree on: features, catalogue, contract, declaration.
    """

    kind: Literal["state", "update", "failure"]
    federation: str
    model: str
    family: str
    round: int
    nonce: str
    site: str
    schema: str


def new_nonce() -> str:
    """128 random bits in hexadecimal."""
    return secrets.token_hex(16)


def seal(message: Message, envelope: Envelope) -> Message:
    """Put `message` into an envelope."""
    return message.with_header(**{ENVELOPE: msgspec.to_builtins(envelope)})


def encode_for(message: Message, envelopes: Mapping[str, Envelope]) -> dict[str, bytes]:
    """The bytes of `message` in each of the envelopes; its arrays are packed once for all of them.

    Raises:
        WireError: The message cannot be sent.
    """
    packed = pack(message.arrays)
    return {site: encode_packed(seal(message, one).header, packed) for site, one in envelopes.items()}


def unseal(message: Message) -> tuple[Message, Envelope]:
    """The message without its envelope, and the envelope.

    Raises:
        WireError: There is no envelope, or it has other fields.
    """
    header = dict(message.header)
    try:
        envelope = msgspec.convert(header.pop(ENVELOPE, None), Envelope)
    except msgspec.ValidationError as error:
        raise WireError(f"envelope: {error}") from error
    return Message(header, message.arrays), envelope
