"""How fast the service answers: latency with one client, requests with several, items in batches.

`python -m benchmarks.serve --home <home>` serves the home's current snapshot, and beside it the same service
without its models, on ports of its own; nothing else should run on the machine. The last line of standard
output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil

import substations
from substations.description import Point
from switchyard.children import ChildProcess, start_child

HOST = "127.0.0.1"
BODIES = 16
CONNECTIONS = 8
BATCH_ITEMS = 1000
RATE_HZ, SAMPLES = 6400.0, 1280


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement")
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as logs:
        note("the service …")
        figures = measure("serving.run", given.home.absolute(), Path(logs), given.seconds)
        note("the same without its models …")
        null = measure("benchmarks.null_server", given.home.absolute(), Path(logs), given.seconds)
    figures |= {f"null_{name}": null[name] for name in ("p50_ms", "p99_ms", "rps", "batch_items_per_s")}
    figures["share_of_null"] = round(figures["rps"] / figures["null_rps"], 3)
    print(json.dumps(figures, sort_keys=True))


def measure(module: str, home: Path, logs: Path, seconds: float) -> dict[str, Any]:
    """Figures of one server."""
    port = free_port()
    started = time.perf_counter()
    child = start_child(
        ["-m", module, "--home", str(home), "--port", str(port)], log_path=logs / f"{module}.log", name=module
    )
    with child, httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60) as client:
        child.wait_ready(lambda: ready(client), timeout_s=60.0, every_s=0.02)
        ready_s = time.perf_counter() - started
        catalogue = client.get("/v1/models").json()
        bodies = make_bodies(catalogue["points"])
        requests = [request_bytes(port, body) for body in bodies]
        exchange(port, 1, requests, min(seconds, 1.0))
        alone = exchange(port, 1, requests, seconds)
        crowd = exchange(port, CONNECTIONS, requests, seconds)
        captures = make_bodies(catalogue["points"], waveform=True)
        captured = exchange(port, 1, [request_bytes(port, body) for body in captures], seconds)
        return {
            "p50_ms": round(1e3 * float(np.median(alone)), 4),
            "p99_ms": round(1e3 * quantiles(alone, n=100)[98], 4),
            "rps": round(len(crowd) / seconds, 1),
            "batch_items_per_s": round(batch_rate(client, bodies, seconds), 1),
            "body_bytes": len(bodies[0]),
            "waveform_body_bytes": len(captures[0]),
            "waveform_p50_ms": round(1e3 * float(np.median(captured)), 4),
            "waveform_p99_ms": round(1e3 * quantiles(captured, n=100)[98], 4),
            "models": sum(bool(model["published"]) for model in catalogue["models"]),
            "ready_s": round(ready_s, 2),
            "rss_mb": round(resident_mb(child), 1),
            "snapshot": catalogue["snapshot"],
        }


def make_bodies(points: dict[str, dict[str, str]], *, waveform: bool = False) -> list[bytes]:
    """Requests of ten readings each at transformer bays, with the noise of a quiet minute.

    Args:
        points: Kind of each point, by substation and point.
        waveform: Whether each carries a capture of ten cycles.
    """
    rng = np.random.default_rng(1)
    bays = [
        (name, substations.read(name).point(point))
        for name, kinds in points.items()
        for point, kind in kinds.items()
        if kind == "transformer_bay"
    ]
    bodies = []
    for k in range(BODIES):
        substation, point = bays[k % len(bays)]
        item = make_item(substation, point, rng)
        if waveform:
            item["waveform"] = make_waveform(point, rng)
        bodies.append(json.dumps(item, separators=(",", ":")).encode())
    return bodies


def make_waveform(point: Point, rng: np.random.Generator) -> dict[str, Any]:
    """Ten cycles with 2 % of the fifth and 1 % of the seventh order."""
    turns = 2 * np.pi * (50.01 * np.arange(SAMPLES)[None] / RATE_HZ - np.arange(3)[:, None] / 3)
    shape = math.sqrt(2) * (np.cos(turns) + 0.02 * np.cos(5 * turns) + 0.01 * np.cos(7 * turns))
    noisy = shape + 1e-4 * rng.standard_normal((2, 3, SAMPLES))
    nominal = point.nominal_kv * 1e3 / math.sqrt(3)
    v, i = nominal * noisy[0], 0.4 * point.rated_a * noisy[1]
    return {"rate_hz": RATE_HZ, "v": [rounded(x) for x in v], "i": [rounded(x) for x in i]}


def make_item(substation: str, point: Point, rng: np.random.Generator) -> dict[str, Any]:
    """One item at 40 % of the point's rated current and power factor 0.95."""
    nominal = point.nominal_kv * 1e3 / math.sqrt(3)
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    readings = []
    for second in range(10):
        v = nominal * (1 + 1e-3 * rng.standard_normal(3))
        i = 0.4 * point.rated_a * (1 + 1e-3 * rng.standard_normal(3))
        line = math.sqrt(3) * nominal * (1 + 1e-3 * rng.standard_normal(3))
        readings.append(
            {
                "t": (start + timedelta(seconds=second)).isoformat(),
                "v": rounded(v),
                "i": rounded(i),
                "p": rounded(-0.95 * v * i),
                "q": rounded(-0.31 * v * i),
                "f": round(50 + 0.01 * float(rng.standard_normal()), 4),
                "v_ll": rounded(line),
                "v_min": rounded(0.999 * v),
                "v_max": rounded(1.001 * v),
                "thd": [1.2, 1.3, 1.2],
                "pst": 0.4,
            }
        )
    return {"substation": substation, "point": point.id, "readings": readings}


def rounded(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    return [round(float(value), 2) for value in values]


def request_bytes(port: int, body: bytes) -> bytes:
    head = (
        f"POST /v1/infer HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def exchange(port: int, connections: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Closed loop: every connection has one request under way; durations of all, s."""
    held = [socket.create_connection((HOST, port)) for _ in range(connections)]
    for connection in held:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    durations = []
    sent = 0
    ends = time.perf_counter() + seconds
    try:
        while time.perf_counter() < ends:
            begun = []
            for connection in held:
                connection.sendall(requests[sent % len(requests)])
                begun.append(time.perf_counter())
                sent += 1
            for connection, start in zip(held, begun, strict=True):
                receive(connection)
                durations.append(time.perf_counter() - start)
    finally:
        for connection in held:
            connection.close()
    return durations


def receive(connection: socket.socket) -> None:
    """Read one response; anything but 200 ends the benchmark."""
    data = connection.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(data[:2000].decode(errors="replace"))
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    missing = length - len(body)
    while missing > 0:
        missing -= len(connection.recv(1 << 16))


def batch_rate(client: httpx.Client, bodies: Sequence[bytes], seconds: float) -> float:
    """Items a second in batches of a thousand."""
    items = b",".join(bodies[k % len(bodies)] for k in range(BATCH_ITEMS))
    content = b'{"items":[' + items + b"]}"
    headers = {"content-type": "application/json"}
    client.post("/v1/infer", content=content, headers=headers).raise_for_status()
    started, batches = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        client.post("/v1/infer", content=content, headers=headers).raise_for_status()
        batches += 1
    return batches * BATCH_ITEMS / (time.perf_counter() - started)


def resident_mb(child: ChildProcess) -> float:
    """Resident memory of the server's processes without the guard, 10^6 bytes."""
    tree = psutil.Process(child.pid).children(recursive=True)
    return sum(process.memory_info().rss for process in tree) / 1e6


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
