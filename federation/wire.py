"""Messages as bytes: a versioned header in JSON and raw little-endian arrays. Nothing is ever executed.

Layout: 4 bytes `SWYF`, uint16 version, uint32 length of the JSON block, the JSON block, then each field's
bytes in the order in which the block lists them. A field is raw or deflated, whichever is shorter; its size
before and after deflating stands in the block, so that a receiver knows what it will unpack to before it
does.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import WireError
from federation.message import Arrays, Header, Message

MAGIC = b"SWYF"
VERSION = 1
DTYPES = ("<f8", "<f4", "<i8", "<i4", "<i2", "|i1", "|u1", "|b1")
DEFAULT_CAP = 64 * 2**20
"""Largest message, in bytes, both as sent and as unpacked."""

Size = Annotated[int, msgspec.Meta(ge=0)]

_PREFIX = struct.Struct("<4sHI")
_DEFLATE_FROM = 512


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array on the wire: name, dtype, shape, and its bytes as unpacked and as sent."""

    name: str
    dtype: str
    shape: tuple[Size, ...]
    size: Size
    sent: Size
    deflated: bool


class _Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: dict[str, Any]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """Arrays as they go on the wire, for messages that differ in their headers only.

    Attributes:
        fields: What the block says of them, JSON.
        bodies: Their bytes, one after the other.
    """

    fields: bytes
    bodies: bytes


def pack(arrays: Arrays, cap: int = DEFAULT_CAP) -> Packed:
    """Deflate arrays where that is shorter.

    Raises:
        WireError: One is of a type that is not sent, or all together are larger than `cap` bytes.
    """
    fields, bodies = [], []
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        dtype = array.dtype.newbyteorder("<").str
        if dtype not in DTYPES:
            raise WireError(f"array {name!r} has dtype {array.dtype}", f"send one of {', '.join(DTYPES)}")
        body = np.ascontiguousarray(array, dtype=dtype).tobytes()
        packed = zlib.compress(body, 1) if len(body) >= _DEFLATE_FROM else body
        deflated = len(packed) < len(body)
        bodies.append(packed if deflated else body)
        fields.append(Field(name, dtype, array.shape, len(body), len(bodies[-1]), deflated))
    unpacked = sum(field.size for field in fields)
    if unpacked > cap:
        raise WireError(
            f"message holds {unpacked} bytes, the cap is {cap}", "send fewer bins, nodes or trees"
        )
    return Packed(_json(msgspec.to_builtins(fields)), b"".join(bodies))


def encode_packed(header: Header, packed: Packed) -> bytes:
    """The bytes of the message with this header and arrays that are packed already.

    Raises:
        WireError: The header is not JSON.
    """
    try:
        text = _json(dict(header))
    except (TypeError, ValueError) as error:
        raise WireError(f"header is not JSON: {error}") from error
    block = b"".join([b'{"fields":', packed.fields, b',"header":', text, b"}"])
    return b"".join([_PREFIX.pack(MAGIC, VERSION, len(block)), block, packed.bodies])


def encode(message: Message, cap: int = DEFAULT_CAP) -> bytes:
    """The bytes of `message`; equal messages give equal bytes.

    Raises:
        WireError: An array is of a type that is not sent, the header is not JSON, or the message is larger
            than `cap` bytes as unpacked.
    """
    return encode_packed(message.header, pack(message.arrays, cap))


def decode(data: bytes, cap: int = DEFAULT_CAP) -> Message:
    """The message in `data`.

    Raises:
        WireError: `data` is larger than `cap` bytes, as sent or as unpacked, or is not a message of this
            version; the message names the field.
    """
    if len(data) > cap:
        raise WireError(f"message has {len(data)} bytes, the cap is {cap}")
    block, offset = _read_block(data)
    if sum(field.size for field in block.fields) > cap:
        raise WireError(f"message unpacks to more than the cap of {cap} bytes")
    if offset + sum(field.sent for field in block.fields) != len(data):
        raise WireError(f"message has {len(data)} bytes, which is not what its fields say")
    arrays: dict[str, NDArray[Any]] = {}
    for field in block.fields:
        if field.name in arrays:
            raise WireError(f"field {field.name!r} is there twice")
        arrays[field.name] = _read_field(field, data[offset : offset + field.sent])
        offset += field.sent
    return Message(block.header, arrays)


def fields_of(data: bytes) -> tuple[Field, ...]:
    """What `data` carries besides its header, for the ledger.

    Raises:
        WireError: `data` is not a message of this version.
    """
    return _read_block(data)[0].fields


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _read_block(data: bytes) -> tuple[_Block, int]:
    if len(data) < _PREFIX.size:
        raise WireError(f"message has {len(data)} bytes, which is too short")
    magic, version, length = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise WireError(f"message begins with {magic!r}, not with {MAGIC!r}")
    if version != VERSION:
        raise WireError(f"message has version {version}, this program reads {VERSION}", "use one release")
    end = _PREFIX.size + length
    if end > len(data):
        raise WireError(f"header says {length} bytes, the message has {len(data) - _PREFIX.size}")
    try:
        return msgspec.json.decode(data[_PREFIX.size : end], type=_Block), end
    except msgspec.MsgspecError as error:
        raise WireError(f"header cannot be read: {error}") from error


def _read_field(field: Field, body: bytes) -> NDArray[Any]:
    if field.dtype not in DTYPES:
        raise WireError(f"field {field.name!r} has dtype {field.dtype!r}")
    dtype = np.dtype(field.dtype)
    items = 1
    for length in field.shape:
        items *= length
    if items * dtype.itemsize != field.size:
        raise WireError(
            f"field {field.name!r}: shape {field.shape} of {field.dtype} is not {field.size} bytes"
        )
    if field.deflated:
        unpacker = zlib.decompressobj()
        try:
            body = unpacker.decompress(body, field.size + 1)
        except zlib.error as error:
            raise WireError(f"field {field.name!r} cannot be unpacked: {error}") from error
    if len(body) != field.size:
        raise WireError(f"field {field.name!r} unpacks to another size than {field.size} bytes")
    if field.dtype == "|b1" and any(byte > 1 for byte in set(body)):
        raise WireError(f"field {field.name!r} holds bytes that are not true or false")
    return np.frombuffer(body, dtype=dtype).reshape(field.shape).copy()
