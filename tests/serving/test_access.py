"""Who is let in, by keys that change while the service runs."""

import time

import pytest

from serving.access import Access
from serving.exchange import Head
from serving.keys import KeyFile
from serving.problems import ProblemError
from serving.visit import Visit
from switchyard.home import Home

HERE, THERE = ("127.0.0.1", 4711), ("192.0.2.7", 4711)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def scope(key=None, client=HERE, scheme="http"):
    headers = [] if key is None else [(b"authorization", b"Bearer " + key.encode())]
    return {"headers": headers, "client": client, "scheme": scheme}


def admit(access, key=None, verb="infer", **more):
    asked = scope(key, **more)
    return access.admit(Head(asked), asked, verb)


def refused(access, *arguments, **more):
    with pytest.raises(ProblemError) as caught:
        admit(access, *arguments, **more)
    return caught.value.status


def test_admit__without_keys__this_machine_alone(home):
    access = Access(home)
    assert admit(access).substations is None
    assert admit(access, client=("::1", 1)).name == "-"
    assert admit(access, client=None).name == "-"
    assert refused(access, client=THERE) == 403
    assert refused(access, client=("10.127.0.0", 1)) == 403


def test_admit__without_keys_but_insecure_or_by_certificate__others_too(home):
    assert admit(Access(home, insecure=True), client=THERE).name == "-"
    by_certificate = Access(home, by_certificate=True)
    assert admit(by_certificate, client=THERE, scheme="https").name == "certificate"
    assert refused(by_certificate, client=THERE, scheme="http") == 403


def test_admit__keys_in_force__only_with_one_of_them_even_from_here(home):
    _, key = KeyFile(home).add("gateway-7", ["mumbai"], ["infer"], days=1)
    access = Access(home, insecure=True, by_certificate=True)
    caller = admit(access, key, client=THERE)
    assert (caller.name, caller.substations) == ("gateway-7", {"mumbai"})
    assert refused(access) == 401
    assert refused(access, key[:-1]) == 401
    assert refused(access, key[:-1] + ("A" if key[-1] != "A" else "B")) == 401
    assert refused(access, key.swapcase()) == 401
    assert refused(access, "ü\x00\r\n" * 1000) == 401
    assert refused(access, key, verb="metrics") == 403


@pytest.mark.parametrize("value", [b"", b"Basic YTpi", b"Bearer", b"Bearer  ", b"bearer x y", b"\xff\xfe"])
def test_admit__authorization_of_another_form__401_that_says_how(home, value):
    KeyFile(home).add("a", ["*"], ["infer"], days=1)
    asked = {"headers": [(b"authorization", value)], "client": HERE}
    with pytest.raises(ProblemError) as caught:
        Access(home).admit(Head(asked), asked, "infer")
    assert caught.value.status == 401
    assert (b"www-authenticate", b"Bearer") in caught.value.headers


def test_admit__expired__401(home):
    _, key = KeyFile(home).add("a", ["*"], ["infer"], days=0.5 / 86400)
    access = Access(home)
    assert admit(access, key).name == "a"
    time.sleep(0.6)
    assert refused(access, key) == 401


def test_refresh__rotated_then_revoked__both_good_then_none(home):
    keys = KeyFile(home)
    _, first = keys.add("a", ["*"], ["infer"], days=1)
    access = Access(home)
    _, second = keys.rotate("a", days=1, overlap_days=1)
    assert refused(access, second) == 401
    access.refresh()
    assert admit(access, first).name == admit(access, second).name == "a"
    keys.revoke("a")
    access.refresh()
    assert refused(access, first) == refused(access, second) == 401


def test_refresh__file_lost_damaged_or_open_to_others__nobody_is_let_in_until_it_is_back(home):
    keys = KeyFile(home)
    _, key = keys.add("a", ["*"], ["infer"], days=1)
    access, content = Access(home), home.keys.read_bytes()

    def broken():
        access.refresh()
        assert refused(access, key) == refused(access) == 503

    home.keys.unlink()
    broken()
    keys.lock.unlink()
    broken()
    home.keys.write_bytes(content[:-20])
    broken()
    home.keys.write_bytes(content)
    home.keys.chmod(0o666)
    broken()
    home.keys.chmod(0o600)
    access.refresh()
    assert admit(access, key).name == "a"


def test_access__keys_lost_before_it_began__nobody_is_let_in(home):
    KeyFile(home).add("a", ["*"], ["infer"], days=1)
    home.keys.unlink()
    assert refused(Access(home)) == 503


def test_visit__many_substations__few_are_noted_and_all_are_judged(home):
    _, key = KeyFile(home).add("a", ["s3", "s900"], ["infer"], days=1)
    visit = Visit("r")
    visit.caller = admit(Access(home), key)
    allowed = [number for number in range(1000) if visit.denial(f"s{number}") is None]
    assert allowed == [3, 900]
    assert len(visit.substations) == 16


def test_deadline__lowered_raised_or_unreadable():
    def seconds(value):
        return Head({"headers": [(b"x-deadline-ms", value)]}).deadline_s(10.0)

    assert seconds(b"250") == 0.25
    assert seconds(b"60000") == 10.0
    assert Head({"headers": []}).deadline_s(10.0) == 10.0
    for value in (b"0", b"-1", b"1.5", b"1e3", b"99999999", b"x", "²".encode()):
        with pytest.raises(ProblemError) as caught:
            seconds(value)
        assert caught.value.status == 400
