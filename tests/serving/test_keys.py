"""API keys at rest: what is kept, who may do what with the file, and what happens when it is damaged."""

import json
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest

from serving.keys import KeyFile, digest_of, id_of, issued, temporary_key
from switchyard.errors import ConfigurationError, UsageError
from switchyard.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def keys(home):
    return KeyFile(home)


def test_add__key__is_nowhere_in_the_home_and_its_digest_is(home, keys):
    made, key = keys.add("gateway-7", ["mumbai"], ["infer"], days=30)
    content = home.keys.read_text()
    assert key not in content
    assert key.split("_", 2)[2] not in content
    assert digest_of(key.encode()) in content
    assert id_of(key.encode()) == made.id
    assert len(key) == 3 + 8 + 1 + 43
    assert timedelta(days=29.9) < made.expires - datetime.now(UTC) < timedelta(days=30.1)


def test_add__file__only_its_owner_may_read_it(home, keys):
    keys.add("a", ["*"], ["infer"], days=1)
    assert stat.S_IMODE(home.keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.lock.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "substations", "verbs", "days", "said"),
    [
        ("", ["a"], ["infer"], 1, "no name"),
        ("a\nb", ["a"], ["infer"], 1, "no name"),
        ("../x", ["a"], ["infer"], 1, "no name"),
        ("a", [], ["infer"], 1, "substations"),
        ("a", ["b\r\n"], ["infer"], 1, "substations"),
        ("a", ["a"], [], 1, "without verbs"),
        ("a", ["a"], ["delete"], 1, "no verb"),
        ("a", ["a"], ["infer"], 0, "0 days"),
        ("a", ["a"], ["infer"], float("nan"), "nan days"),
        ("a", ["a"], ["infer"], 1e9, "days"),
    ],
)
def test_add__argument_that_does_not_fit__refused_and_no_file(
    home, keys, name, substations, verbs, days, said
):
    with pytest.raises(UsageError, match=said):
        keys.add(name, substations, verbs, days)
    assert not home.keys.exists()
    assert not issued(home)


def test_add__name_with_a_key__refused(keys):
    keys.add("a", ["*"], ["infer"], days=1)
    with pytest.raises(UsageError, match="has a key"):
        keys.add("a", ["*"], ["infer"], days=1)


def test_rotate__twice__two_keys_of_the_same_scope_and_the_older_ends_after_the_overlap(keys):
    first, _ = keys.add("a", ["mumbai"], ["models", "infer"], days=30)
    second, _ = keys.rotate("a", days=60, overlap_days=3)
    held = keys.read()
    assert [one.id for one in held] == [first.id, second.id]
    assert {(one.substations, one.verbs) for one in held} == {(("mumbai",), ("infer", "models"))}
    assert held[0].expires == second.created + timedelta(days=3)
    third, _ = keys.rotate("a", days=60, overlap_days=90)
    held = keys.read()
    assert [one.id for one in held] == [second.id, third.id]
    assert held[0].expires == second.expires


def test_revoke__both_keys_of_a_name__others_stay(keys):
    keys.add("a", ["*"], ["infer"], days=1)
    keys.add("b", ["*"], ["infer"], days=1)
    keys.rotate("a", days=1, overlap_days=1)
    assert keys.revoke("a") == 2
    assert [one.name for one in keys.read()] == ["b"]
    with pytest.raises(UsageError, match="has no key"):
        keys.revoke("a")


def test_read__last_key_revoked__keys_stay_in_force(home, keys):
    keys.add("a", ["*"], ["infer"], days=1)
    keys.revoke("a")
    assert keys.read() == ()
    assert issued(home)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"schema": 1}', '{"schema": 2, "keys": []}', '{"schema": 1, "keys": [], "open": true}'],
)
def test_read__damaged_file__says_so_and_is_not_written_over(home, keys, content):
    keys.add("a", ["*"], ["infer"], days=1)
    home.keys.write_text(content)
    for attempt in (keys.read, lambda: keys.add("b", ["*"], ["infer"], days=1), lambda: keys.revoke("a")):
        with pytest.raises(ConfigurationError, match=r"keys\.json"):
            attempt()
    assert home.keys.read_text() == content


@pytest.mark.parametrize(
    "changed",
    [{"digest": "00"}, {"expires": "2030-01-01T00:00:00"}, {"verbs": ["all"]}, {"expires": None}],
)
def test_read__damaged_key__says_so(home, keys, changed):
    keys.add("a", ["*"], ["infer"], days=1)
    content = json.loads(home.keys.read_text())
    content["keys"][0] |= changed
    home.keys.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match="damaged"):
        keys.read()


def test_read__lost_file__is_not_taken_for_none(home, keys):
    assert keys.read() is None
    keys.add("a", ["*"], ["infer"], days=1)
    home.keys.unlink()
    with pytest.raises(ConfigurationError, match="lost"):
        keys.read()
    with pytest.raises(ConfigurationError, match="lost"):
        keys.add("b", ["*"], ["infer"], days=1)


def test_read__file_that_others_may_write__refused(home, keys):
    keys.add("a", ["*"], ["infer"], days=1)
    home.keys.chmod(0o620)
    with pytest.raises(ConfigurationError, match="may be written by others"):
        keys.read()


def test_add__many_at_once__none_is_lost(home):
    def add(number):
        KeyFile(home).add(f"g{number}", ["*"], ["infer"], days=1)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(KeyFile(home).read()) == 12


def test_temporary_key__in_force_or_not__gone_afterwards(home, keys):
    with temporary_key(home, "run") as key:
        assert key is None
    keys.add("a", ["mumbai"], ["infer"], days=1)
    with temporary_key(home, "run") as key:
        assert digest_of(key.encode()) in {one.digest for one in keys.read()}
    assert [one.name for one in keys.read()] == ["a"]
