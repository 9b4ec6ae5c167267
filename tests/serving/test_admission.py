"""Admission: what is turned away, and that nothing leaks."""

import contextlib

import pytest

from serving.admission import Admission
from serving.limits import Limits
from serving.problems import ProblemError

LIMITS = Limits(item_bytes=10, in_flight=2, large_in_flight=1)


def test_enter__as_many_as_allowed_at_work__429_with_retry_after():
    admission = Admission(LIMITS)
    with admission.enter(), admission.enter():
        assert not admission.idle.is_set()
        with pytest.raises(ProblemError) as caught:
            admission.enter()
    assert caught.value.status == 429
    assert (b"retry-after", b"1") in caught.value.headers
    assert admission.in_flight == 0
    assert admission.idle.is_set()


def test_enter__request_that_failed__gives_its_place_back():
    admission = Admission(LIMITS)
    with contextlib.suppress(ZeroDivisionError), admission.enter() as ticket:
        ticket.arrived(b'{"items": [1, 2, 3]')
        assert (admission.in_flight, admission.large) == (1, 1)
        raise ZeroDivisionError
    assert (admission.in_flight, admission.large) == (0, 0)


@pytest.mark.parametrize("body", [b'{"substation": "mum', b"[[[[[[[[[[[[[[", b"               "])
def test_arrived__large_body_that_is_no_batch__413_without_reading_on(body):
    admission = Admission(LIMITS)
    with admission.enter() as ticket, pytest.raises(ProblemError) as caught:
        ticket.arrived(body)
    assert caught.value.status == 413
    assert (b"connection", b"close") in caught.value.headers


def test_arrived__second_large_batch__429_while_the_first_is_at_work():
    admission = Admission(LIMITS)
    batch = b' { "models": ["phase_imbalance"], "items": ['
    with admission.enter() as first:
        first.arrived(batch)
        first.arrived(batch + batch)
        with admission.enter() as second, pytest.raises(ProblemError) as caught:
            second.arrived(batch)
        assert caught.value.status == 429
    with admission.enter() as third:
        third.arrived(batch)
        assert admission.large == 1
