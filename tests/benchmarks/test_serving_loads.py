"""What serving benchmarks send and count: requests that keep the contract, and loops that hide nothing."""

import json
import socket
import threading
import time

import pytest

from benchmarks import bodies
from benchmarks.hot_path import table
from benchmarks.loops import HOST, closed_loop, open_loop, request_bytes
from data_contracts.wire import check, decode_item, pack
from serving.sites import Sites

BODY = b"{}"


@pytest.fixture
def server():
    """A server that answers each request after `delay_s`; its port, by delay."""
    stopped = threading.Event()
    threads = []

    def serve(listening, delay_s, status):
        with listening:
            listening.settimeout(0.05)
            while not stopped.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                threads.append(threading.Thread(target=answer, args=(connection, delay_s, status)))
                threads[-1].start()

    def answer(connection, delay_s, status):
        with connection, connection.makefile("rb") as arriving:
            while arriving.readline():
                while arriving.readline() != b"\r\n":
                    pass
                arriving.read(len(BODY))
                time.sleep(delay_s)
                connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\n".encode())
                connection.sendall(b"hello")

    def start(delay_s, status="200 OK"):
        listening = socket.create_server((HOST, 0))
        threads.append(threading.Thread(target=serve, args=(listening, delay_s, status)))
        threads[-1].start()
        return listening.getsockname()[1]

    yield start
    stopped.set()
    for thread in threads:
        thread.join(60)


def test_closed_loop__slow_server__counts_the_answer_under_way(server):
    port = server(0.1)
    durations = closed_loop(port, 2, [request_bytes(port, BODY)], 0.01)
    assert len(durations) == 2
    assert min(durations) >= 0.1


def test_open_loop__server_slower_than_the_rate__latency_counts_from_when_a_request_was_due(server):
    port = server(0.05)
    latencies = open_loop(port, 1, [request_bytes(port, BODY)], 0.1, 100.0)
    assert len(latencies) == 10
    # Ten requests due within 90 ms, answered one after the other in 50 ms each: the last waits for nine.
    assert latencies[-1] >= 10 * 0.05 - 0.09
    assert latencies == sorted(latencies)


def test_closed_loop__any_answer_but_200__ends_the_benchmark(server):
    port = server(0.0, "503 Service Unavailable")
    with pytest.raises(RuntimeError, match="503"):
        closed_loop(port, 1, [request_bytes(port, BODY)], 0.1)


def test_bodies__all_sorts__keep_the_contract():
    sites = Sites.read(["mumbai"])
    points = {"mumbai": {site.point: site.kind for site in sites}}
    plain = bodies.readings_only(points)
    sent = [*plain, bodies.with_waveform(points)[0], *bodies.everything()]
    items = [decode_item(body) for body in sent]
    errors = check(items, pack(items), [sites.find(item).bounds for item in items])
    assert not any(errors)
    assert len(json.loads(bodies.batch(plain, 40))["items"]) == 40


def test_table__parts_of_two_requests__dear_ones_first_and_small_ones_as_one():
    found = {
        "readings": {"graph": 60.0, "encode": 38.0, "rest": 1.0, "tail": 1.0, "whole": 100.0},
        "batch": {"graph": 9.0, "encode": 1.0, "whole": 10.0},
    }
    assert table(found).splitlines()[2:] == [
        "| graph | 60 | 9 |",
        "| encode | 38 | 1 |",
        "| all others | 2 |  |",
        "| whole | 100 | 10 |",
    ]
