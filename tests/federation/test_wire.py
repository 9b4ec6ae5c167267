from __future__ import annotations

import json
import pickle
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from federation.errors import WireError
from federation.message import Message
from federation.wire import decode, encode, encode_packed, fields_of, pack

ARRAYS = st.dictionaries(
    st.text("abcdefgh_", min_size=1, max_size=6),
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.int16, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40),
    ),
    max_size=3,
)


def block_of(data: bytes) -> tuple[dict, bytes]:
    length = struct.unpack_from("<4sHI", data)[2]
    return json.loads(data[10 : 10 + length]), data[10 + length :]


def message_of(block: dict, body: bytes, version: int = 1) -> bytes:
    text = json.dumps(block).encode()
    return struct.pack("<4sHI", b"SWYF", version, len(text)) + text + body


@given(ARRAYS, st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=5), max_size=3))
def test_wire__any_numeric_arrays__come_back_bit_for_bit(arrays, header):
    back = decode(encode(Message(header, arrays)))
    assert back.header == header
    assert set(back.arrays) == set(arrays)
    for name, sent in arrays.items():
        assert back.arrays[name].dtype == sent.dtype
        assert back.arrays[name].shape == sent.shape
        assert back.arrays[name].tobytes() == sent.tobytes()


@given(ARRAYS, st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=5), max_size=3))
def test_encode_packed__any_header__gives_the_bytes_of_the_whole_message(arrays, header):
    assert encode_packed(header, pack(arrays)) == encode(Message(header, arrays))


def test_encode__message__has_the_layout_of_this_version():
    data = encode(Message({"b": 1, "a": "x"}, {"k": np.arange(2, dtype="<i2")}))
    field = '{"deflated":false,"dtype":"<i2","name":"k","sent":4,"shape":[2],"size":4}'
    text = f'{{"fields":[{field}],"header":{{"a":"x","b":1}}}}'.encode()
    assert data == struct.pack("<4sHI", b"SWYF", 1, len(text)) + text + b"\0\0\1\0"


def test_wire__fortran_order_and_big_endian__arrive_as_the_same_values():
    sent = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    back = decode(encode(Message({}, {"a": sent}))).array("a")
    assert back.dtype == np.dtype("<i4")
    assert np.array_equal(back, sent)


def test_encode__object_array__is_refused_without_pickling():
    with pytest.raises(WireError, match="'a' has dtype object"):
        encode(Message({}, {"a": np.asarray([{"x": 1}], dtype=object)}))


def test_encode__nan_in_header__is_refused():
    with pytest.raises(WireError, match="header is not JSON"):
        encode(Message({"n": float("nan")}, {}))


def test_encode__more_than_the_cap__is_refused():
    with pytest.raises(WireError, match="the cap is 1000"):
        encode(Message({}, {"a": np.zeros(1000)}), cap=1000)


def test_decode__deflated_bomb__is_refused_before_it_is_unpacked():
    data = encode(Message({}, {"a": np.zeros(10**6)}))
    assert len(data) < 50_000
    with pytest.raises(WireError, match="unpacks to more than the cap"):
        decode(data, cap=100_000)


def test_decode__field_that_unpacks_to_more_than_it_says__is_refused():
    body = zlib.compress(bytes(10_000))
    field = {"name": "a", "dtype": "|u1", "shape": [100], "size": 100, "sent": len(body), "deflated": True}
    with pytest.raises(WireError, match="another size than 100"):
        decode(message_of({"header": {}, "fields": [field]}, body))


def test_decode__other_version__says_which_it_reads():
    data = bytearray(encode(Message({"n": 1}, {})))
    data[4] = 9
    with pytest.raises(WireError, match="version 9, this program reads 1"):
        decode(bytes(data))


@pytest.mark.parametrize("cut", [0, 5, 12, -1])
def test_decode__truncated__is_refused(cut):
    data = encode(Message({"n": 1}, {"a": np.arange(5.0)}))
    with pytest.raises(WireError):
        decode(data[:cut])


def test_decode__pickle__is_refused():
    with pytest.raises(WireError, match="begins with"):
        decode(pickle.dumps({"n": 1}) * 10)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dtype": "|O8"}, "has dtype"),
        ({"shape": [7]}, "is not 40 bytes"),
        ({"shape": [-5]}, "cannot be read"),
        ({"sent": 41}, "not what its fields say"),
        ({"stranger": 1}, "cannot be read"),
    ],
)
def test_decode__field_that_lies__is_refused(change, reason):
    block, body = block_of(encode(Message({}, {"a": np.arange(5.0)})))
    block["fields"][0] |= change
    with pytest.raises(WireError, match=reason):
        decode(message_of(block, body))


def test_fields_of__message__lists_every_array_with_its_bytes():
    data = encode(Message({"n": 3}, {"mean": np.arange(3.0), "count": np.arange(4, dtype=np.int32)}))
    assert [(f.name, f.dtype, f.shape, f.sent) for f in fields_of(data)] == [
        ("count", "<i4", (4,), 16),
        ("mean", "<f8", (3,), 24),
    ]
