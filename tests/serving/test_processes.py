"""The life of a served home: swaps, refusals, stops, deaths, and what a worker carries."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil

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


def test_supervisor__running__imports_neither_numpy_nor_bentoml(run_server):
    mapped = Path(f"/proc/{run_server.process.pid}/maps").read_text()
    assert "numpy" not in mapped
    assert "onnxruntime" not in mapped


def test_in_flight__more_than_a_worker_takes__429_and_the_others_are_served(run_server, item):
    server, body = run_server, json.dumps(item()).encode()
    held = [server.connect() for _ in range(64)]
    try:
        for connection in held:
            connection.sendall(server.head(len(body)))
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


def test_client_that_goes_away__mid_body__place_is_given_back(run_server):
    with run_server.connect() as connection:
        connection.sendall(run_server.head(99) + b"{")
        run_server.wait(lambda: run_server.metric("switchyard_in_flight") == 1)
    run_server.wait(lambda: run_server.metric("switchyard_in_flight") == 0)


def test_serve__port_in_use__clear_error_and_exit_code(run_server, tmp_path):
    port = run_server.url.rpartition(":")[2]
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


def test_worker_killed__replaced__and_it_does_not_outlive_a_killed_supervisor(own_server, item):
    server = own_server()
    (worker,) = server.workers()
    worker.kill()
    server.wait(lambda: [w.pid for w in server.workers()] not in ([], [worker.pid]), what="a new worker")
    server.wait(lambda: server.answers("/readyz"), what="readiness")
    with server.client() as client:
        snapshot_of(client, item)
    (replacement,) = server.workers()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    replacement.wait(15)
    assert not psutil.pid_exists(replacement.pid)


def test_home_without_snapshot__alive_not_ready__then_ready_and_drained_on_sigterm(own_server, item):
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
    assert_drains(server, item)


def test_sigterm__under_bentoml__drains_too(own_server, item):
    assert_drains(own_server("bentoml"), item)


def assert_drains(server, item):
    """A request half sent before SIGTERM is finished, newcomers get 503, and the processes end."""
    body = json.dumps(item()).encode()
    with server.connect() as begun, server.client() as other:
        begun.sendall(server.head(len(body)) + body[:100])
        server.wait(lambda: server.metric("switchyard_in_flight") != 0)
        server.process.send_signal(signal.SIGTERM)
        server.wait(lambda: other.get("/readyz").status_code == 503, what="draining")
        shed = other.post("/v1/infer", json=item())
        assert shed.status_code == 503
        assert shed.json()["type"] == "urn:switchyard:problem:draining"
        assert int(shed.headers["retry-after"]) >= 1
        begun.sendall(body[100:])
        assert begun.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert server.process.wait(15) in {0, -signal.SIGTERM}
