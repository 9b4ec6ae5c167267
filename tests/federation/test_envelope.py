from __future__ import annotations

import zlib

import msgspec
import numpy as np
import pytest

from federation import wire
from federation.envelope import Envelope, encode_for, new_nonce, seal, unseal
from federation.errors import WireError
from federation.message import Message
from federation.wire import decode, encode

ASKED = Envelope("state", "run", "phase_imbalance", "decision_tree", 3, new_nonce(), "delhi", "d" * 64)
STATE = Message({"phase": "grow", "n": 3}, {"counts": np.zeros((40, 40)), "edges": np.arange(5.0)})


def envelopes(*sites: str) -> dict[str, Envelope]:
    return {site: msgspec.structs.replace(ASKED, site=site) for site in sites}


def test_unseal__sealed_message__gives_back_both():
    message, envelope = unseal(decode(encode(seal(STATE, ASKED))))
    assert envelope == ASKED
    assert message.header == STATE.header
    assert set(message.arrays) == set(STATE.arrays)


def test_unseal__no_envelope_or_a_strange_one__is_an_error():
    with pytest.raises(WireError, match="envelope: "):
        unseal(STATE)
    with pytest.raises(WireError, match=r"envelope: .*kind"):
        unseal(seal(STATE, ASKED).with_header(envelope={"kind": "other"}))


def test_encode_for__several_sites__is_each_sites_own_message():
    asked = envelopes("bangalore", "delhi", "mumbai")
    sent = encode_for(STATE, asked)
    assert sent == {site: encode(seal(STATE, one)) for site, one in asked.items()}
    assert {site: unseal(decode(data))[1].site for site, data in sent.items()} == {
        site: site for site in asked
    }


def test_encode_for__thirty_sites__deflates_the_state_once(monkeypatch):
    deflated = []

    def counted(body: bytes, level: int) -> bytes:
        deflated.append(len(body))
        return zlib.compress(body, level)

    monkeypatch.setattr(wire, "zlib", type("Counted", (), {"compress": staticmethod(counted)}))
    sent = encode_for(STATE, envelopes(*(f"site{at:02d}" for at in range(30))))
    assert len(sent) == 30
    assert deflated == [STATE.arrays["counts"].nbytes]
