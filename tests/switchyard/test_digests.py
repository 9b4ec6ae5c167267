import pytest

from switchyard.digests import digest_json, digest_rooms, sha256_bytes, sha256_file
from switchyard.errors import ConfigurationError


def test_sha256__empty_input__published_value(tmp_path):
    # FIPS 180-4 test vector for the empty message.
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "empty").touch()
    assert sha256_bytes(b"") == sha256_file(tmp_path / "empty") == empty


def test_digest_json__other_key_order__same_digest():
    assert digest_json({"a": 1, "b": [2.5, None]}) == digest_json({"b": [2.5, None], "a": 1})
    assert digest_json({"a": 1}) != digest_json({"a": 2})


def test_digest_json__nan__refused():
    with pytest.raises(ValueError, match="JSON"):
        digest_json({"a": float("nan")})


def test_digest_rooms__order_and_repetition__irrelevant():
    assert digest_rooms(["switchyard", "features"]) == digest_rooms(["features", "switchyard", "features"])
    assert digest_rooms(["switchyard"]) != digest_rooms(["features"])


def test_digest_rooms__unknown_package__named():
    with pytest.raises(ConfigurationError, match="no_such_room"):
        digest_rooms(["no_such_room"])
