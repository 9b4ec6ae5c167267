"""The life of a served home: swaps, refusals, stops, deaths, and what a worker carries."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

FORBIDDEN = ("tensorflow", "sklearn", "scipy", "xgboost", "prophet", "pandas", "mlflow", "pyarrow", "onnx")
NATIVE = ("tensorflow", "/sklearn/", "/scipy/", "xgboost", "/pandas/", "libarrow", "/pyarrow/", "/onnx/")


def snapshot_of(client, item):
    response = client.post("/v1/infer", json=item())
    assert response.status_code == 200, response.text
    return response.json()["snapshot"]


def test_later_snapshot__hot__swapped_without_an_error_and_old_version_forgotten(server, item):
    first = server.publisher.publish("1")
    seen, problems, stop = [], [], threading.Event()

    def keep_asking():
        with server.client() as client:
            while not stop.is_set():
                response = client.post("/v1/infer", json=item())
                (seen if response.status_code == 200 else problems).append(response.json())

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        server.wait(lambda: len(seen) > 5)
        second = server.publisher.publish("2", low=-0.7)
        server.wait(lambda: bool(seen) and seen[-1]["snapshot"] == second, what="the swap")
    finally:
        stop.set()
        asking.join()
    assert problems == []
    assert {answer["snapshot"] for answer in seen} == {first, second}
    for answer in seen:
        version = answer["monitoring"]["phase_imbalance"]["model_version"]
        assert version == ("phase_imbalance:1" if answer["snapshot"] == first else "phase_imbalance:2")
    assert server.metric('switchyard_swaps_total{outcome="taken"}') == 2


def test_damaged_snapshot__hot__old_one_stays_with_an_alarm(server, item):
    with server.client() as client:
        serving = snapshot_of(client, item)
        damaged = server.publisher.publish("3", current=False)
        model = server.home.snapshots / damaged / "models/voltage_anomaly/3/model.onnx"
        model.write_bytes(model.read_bytes()[::-1])
        server.home.current.write_text(f"{damaged}\n")
        server.wait(lambda: "damaged" in server.tail(), what="the refusal")
        assert "model.onnx is damaged" in server.tail()
        assert client.get("/readyz").status_code == 200
        assert snapshot_of(client, item) == serving
        alarm = [line for line in client.get("/metrics").text.splitlines() if "snapshot_alarm" in line]
        assert alarm[-1].endswith(" 1.0")
        server.home.current.write_text(f"{serving}\n")
        server.wait(lambda: "snapshot_alarm 0.0" in plain(client.get("/metrics").text), what="all clear")


def plain(text):
    """Metrics without labels, which several processes add."""
    lines = (line.partition("{")[0] + " " + line.rpartition(" ")[2] for line in text.splitlines())
    return "\n".join(line.replace("switchyard_", "") for line in lines)


def test_worker__running__maps_no_training_framework(server, item):
    with server.client() as client:
        snapshot_of(client, item)
    (worker,) = server.workers()
    mapped = Path(f"/proc/{worker.pid}/maps").read_text()
    assert "onnxruntime" in mapped
    assert [name for name in NATIVE if name in mapped] == []


def test_worker__booted_and_asked__has_imported_no_training_framework(publisher, item):
    publisher.publish()
    script = """
import json, sys
from serving.run import create_app
app = create_app()
from serving.engine import Engine
from serving.intake import infer
from switchyard.settings import get_settings
home = get_settings().folders
engine = Engine.load(home, home.current.read_text().strip())
infer(engine, sys.stdin.buffer.read(), "r")
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(item()).encode(),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SWITCHYARD_HOME": str(publisher.home.root)},
    )
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"onnxruntime", "bentoml", "features"} <= imported
    assert imported.isdisjoint(FORBIDDEN)


def test_supervisor__running__imports_neither_numpy_nor_bentoml(server):
    if server.kind != "run":
        pytest.skip("BentoML's own supervisor is as large as it is")
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "numpy" not in mapped
    assert "onnxruntime" not in mapped


def test_worker__killed__replaced_and_answers_again(own_server, item):
    server = own_server()
    (worker,) = server.workers()
    worker.kill()
    server.wait(lambda: [w.pid for w in server.workers()] not in ([], [worker.pid]), what="a new worker")
    server.wait(lambda: server.answers("/readyz"), what="readiness")
    with server.client() as client:
        snapshot_of(client, item)


def test_supervisor__killed__its_worker_does_not_outlive_it(own_server):
    server = own_server()
    (worker,) = server.workers()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    worker.wait(15)
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.parametrize("kind", ["run", "bentoml"])
def test_sigterm__request_half_sent__it_is_finished_and_newcomers_get_503(own_server, item, kind):
    server = own_server(kind)
    body = json.dumps(item()).encode()
    head = (
        "POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with server.connect() as begun, server.client() as other:
        begun.sendall(head.encode() + body[:100])
        server.wait(lambda: server.metric("switchyard_in_flight") != 0)
        server.process.send_signal(signal.SIGTERM)
        server.wait(lambda: other.get("/readyz").status_code == 503, what="draining")
        shed = other.post("/v1/infer", json=item())
        assert shed.status_code == 503
        assert shed.json()["type"] == "urn:switchyard:problem:draining"
        assert int(shed.headers["retry-after"]) >= 1
        begun.sendall(body[100:])
        answer = begun.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200")
    assert server.process.wait(15) in {0, -signal.SIGTERM}


def test_start__no_snapshot_yet__alive_not_ready_then_ready(own_server, item):
    server = own_server(publish=False)
    with server.client() as client:
        refused = client.post("/v1/infer", json=item())
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:switchyard:problem:not-ready"
        assert "no snapshot is published yet" in refused.json()["detail"]
        assert "retry-after" in refused.headers
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
        server.publisher.publish()
        server.wait(lambda: client.get("/readyz").status_code == 200, what="readiness")
        snapshot_of(client, item)


def test_in_flight__more_than_a_worker_takes__429_and_the_others_are_served(own_server, item):
    server = own_server()
    body = json.dumps(item()).encode()
    head = (
        "POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    held = [server.connect() for _ in range(64)]
    try:
        for connection in held:
            connection.sendall(head)
        server.wait(lambda: server.metric("switchyard_in_flight") == 64, what="64 requests at work")
        response = httpx.post(f"{server.url}/v1/infer", json=item())
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) >= 1
        assert server.metric('switchyard_shed_total{reason="in_flight"}') == 1
        for connection in held:
            connection.sendall(body)
        assert all(connection.recv(1 << 16).startswith(b"HTTP/1.1 200") for connection in held)
    finally:
        for connection in held:
            connection.close()
    server.wait(lambda: server.metric("switchyard_in_flight") == 0)


def test_client_that_goes_away__mid_body__place_is_given_back(own_server):
    server = own_server()
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )
        server.wait(lambda: server.metric("switchyard_in_flight") == 1)
    server.wait(lambda: server.metric("switchyard_in_flight") == 0)


def test_serve__port_in_use__clear_error_and_exit(own_server, tmp_path):
    server = own_server()
    port = server.url.rpartition(":")[2]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "serving.run", "--home", str(tmp_path), "--port", port],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 20
