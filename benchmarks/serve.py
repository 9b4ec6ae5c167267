"""How fast the service answers, beside what bounds it and what it replaces, in one run of real processes.

`python -m benchmarks.serve --home <home>` starts one server after the other on ports of its own, on loopback;
nothing else should run on the machine, and `load_average` says whether something did. The last line of
standard output is one JSON object:

- `floor_rps`: a bare ASGI application on the service's stack, which answers with a constant; `null_rps`: the
  service without its models, which decodes and checks a body and answers with a constant; `infer_rps`: the
  service, all 16 models asked, `ratio_to_null` of the two. Requests bring ten readings, as a gateway sends
  them every second; several connections, closed loop.
- `p50_ms`, `p99_ms`: one connection, closed loop. `open_p50_ms`, `open_p99_ms`: requests due at the fixed
  `open_rate_rps`, counted from the instant at which each was due.
- `batch_items_per_s`: batches of a thousand such items; `null_batch_items_per_s` without the models.
- `everything_*`: the same for requests that carry all that the models need, so that each of them answers.
  `waveform_*`: readings with a capture of ten cycles.
- `native_rps`: the same requests answered in this process by the engine whose graphs are replaced by the
  libraries' estimators, without HTTP; `speedup_vs_native` is `infer_rps` over it. `native_models` of the
  versions have an estimator; the others keep their graphs.
- `mlflow_rps`: MLflow's scoring server on one model, `mlflow_model`, with rows of its features.
  `bentoml_default_rps`: a plain BentoML endpoint with the native engine.
- `rss_mb`: resident memory of the service's processes after all that, 10^6 bytes; `ready_s`: from its start
  to its first readiness.

The client is `benchmarks.loops`: raw sockets with prepared bytes, in this process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psutil

from benchmarks import bodies
from benchmarks.loops import HOST, closed_loop, open_loop, request_bytes
from switchyard.children import ChildProcess, free_port, start_child

CONNECTIONS = 8
BATCH_ITEMS = 1000
OPEN_RATE_RPS = 100.0
START_S = 300.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement")
    parser.add_argument("--rate", type=float, default=OPEN_RATE_RPS, help="rate of the open loop, 1/s")
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.home.absolute(), given.seconds, given.rate), sort_keys=True))


def measure(home: Path, seconds: float, rate_rps: float) -> dict[str, Any]:
    """All figures of one run."""
    with TemporaryDirectory() as scratch:
        logs = Path(scratch)
        note("the service …")
        figures = _service(home, logs, seconds, rate_rps)
        points = figures.pop("points")
        note("the same without its models …")
        null = _null(home, logs, seconds, points)
        note("nothing but the stack …")
        with _started("benchmarks.floor_server", home, logs) as (port, _):
            floor = _rps(port, bodies.readings_only(points), seconds)
        note("the native models in process …")
        native = _native(home, seconds, points)
        note("BentoML's default with them …")
        default = _bentoml(home, logs, seconds, points)
        note("MLflow's scoring server …")
        mlflow = _mlflow(home, logs, seconds)
    figures |= null | native | default | mlflow
    return figures | {
        "floor_rps": floor,
        "ratio_to_null": round(figures["infer_rps"] / figures["null_rps"], 3),
        "everything_ratio_to_null": round(figures["everything_rps"] / figures["null_everything_rps"], 3),
        "speedup_vs_native": round(figures["infer_rps"] / figures["native_rps"], 1),
        "everything_speedup_vs_native": round(
            figures["everything_rps"] / figures["everything_native_rps"], 1
        ),
        "cores": os.cpu_count(),
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }


def _service(home: Path, logs: Path, seconds: float, rate_rps: float) -> dict[str, Any]:
    """Figures of the service itself, and the points that it answers for."""
    started = time.perf_counter()
    with _started("serving.run", home, logs) as (port, child):
        ready_s = time.perf_counter() - started
        catalogue = httpx.get(f"http://{HOST}:{port}/v1/models", timeout=60).json()
        points = catalogue["points"]
        plain, everything = bodies.readings_only(points), bodies.everything()
        requests = [request_bytes(port, body) for body in plain]
        closed_loop(port, 1, requests, min(seconds, 1.0))
        alone = closed_loop(port, 1, requests, seconds)
        due = open_loop(port, 2 * CONNECTIONS, requests, seconds, rate_rps)
        captured = closed_loop(
            port, 1, [request_bytes(port, body) for body in bodies.with_waveform(points)], seconds
        )
        carried = closed_loop(port, 1, [request_bytes(port, body) for body in everything], seconds)
        return {
            "points": points,
            "infer_rps": _rps(port, plain, seconds),
            "p50_ms": _percentile_ms(alone, 50),
            "p99_ms": _percentile_ms(alone, 99),
            "open_rate_rps": rate_rps,
            "open_p50_ms": _percentile_ms(due, 50),
            "open_p99_ms": _percentile_ms(due, 99),
            "batch_items_per_s": _batch_rate(port, plain, seconds),
            "everything_rps": _rps(port, everything, seconds),
            "everything_p50_ms": _percentile_ms(carried, 50),
            "everything_p99_ms": _percentile_ms(carried, 99),
            "everything_models": _answering(port, everything),
            "waveform_p50_ms": _percentile_ms(captured, 50),
            "waveform_p99_ms": _percentile_ms(captured, 99),
            "body_bytes": len(plain[0]),
            "models": sum(bool(model["published"]) for model in catalogue["models"]),
            "models_by_readings": _answering(port, plain),
            "snapshot": catalogue["snapshot"],
            "ready_s": round(ready_s, 2),
            "rss_mb": round(_resident_mb(child), 1),
        }


def _null(home: Path, logs: Path, seconds: float, points: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Figures of the service without its models."""
    plain = bodies.readings_only(points)
    with _started("benchmarks.null_server", home, logs) as (port, _):
        alone = closed_loop(port, 1, [request_bytes(port, body) for body in plain], seconds)
        return {
            "null_rps": _rps(port, plain, seconds),
            "null_p50_ms": _percentile_ms(alone, 50),
            "null_p99_ms": _percentile_ms(alone, 99),
            "null_everything_rps": _rps(port, bodies.everything(), seconds),
            "null_batch_items_per_s": _batch_rate(port, plain, seconds),
        }


def _native(home: Path, seconds: float, points: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Rate of the native engine in this process."""
    from benchmarks.natives import replace_graphs
    from serving.engine import Engine
    from serving.intake import infer
    from switchyard.home import Home

    folders = Home(home)
    engine = Engine.load(folders, folders.current.read_text().strip())
    replaced = replace_graphs(engine, folders)

    def rate(requests: Sequence[bytes]) -> float:
        for body in requests:
            infer(engine, body, "warm")
        answered, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            infer(engine, requests[answered % len(requests)], "native")
            answered += 1
        return round(answered / took, 2)

    return {
        "native_rps": rate(bodies.readings_only(points)),
        "everything_native_rps": rate(bodies.everything()),
        "native_models": len(replaced),
    }


def _bentoml(home: Path, logs: Path, seconds: float, points: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Rate of a plain BentoML endpoint."""
    port = free_port()
    wrapped = [b'{"item":' + body + b"}" for body in bodies.readings_only(points)]
    command = ["-m", "bentoml", "serve", "benchmarks.bentoml_default:NativeService"]
    with _child([*command, "--host", HOST, "--port", str(port)], "bentoml", logs, home) as child:
        child.wait_ready(_answers(port, "/readyz"), timeout_s=START_S, every_s=0.1)
        return {"bentoml_default_rps": _rps(port, wrapped, seconds, "/infer")}


def _mlflow(home: Path, logs: Path, seconds: float) -> dict[str, Any]:
    """Rate of MLflow's scoring server on the first model that has an estimator of scikit-learn."""
    from benchmarks.natives import folder_of
    from serving.engine import Engine
    from switchyard.home import Home

    folders = Home(home)
    engine = Engine.load(folders, folders.current.read_text().strip())
    model = min(
        (one.model for one in engine.models), key=lambda one: (one.spec.model != MLFLOW_MODEL, one.version)
    )
    folder = folder_of(folders, model)
    content = (folder / "serving_input_example.json").read_bytes()
    port = free_port()
    command = ["-m", "mlflow", "models", "serve", "--env-manager", "local", "--host", HOST]
    with _child([*command, "--port", str(port), "--model-uri", str(folder)], "mlflow", logs, home) as child:
        child.wait_ready(_answers(port, "/ping"), timeout_s=START_S, every_s=0.1)
        return {"mlflow_rps": _rps(port, [content], seconds, "/invocations"), "mlflow_model": model.version}


MLFLOW_MODEL = "voltage_anomaly"


@contextmanager
def _started(module: str, home: Path, logs: Path) -> Iterator[tuple[int, ChildProcess]]:
    """A server on the service's stack that is ready: its port and process."""
    port = free_port()
    with _child(["-m", module, "--home", str(home), "--port", str(port)], module, logs, home) as child:
        child.wait_ready(_answers(port, "/readyz"), timeout_s=START_S, every_s=0.02)
        yield port, child


def _child(arguments: Sequence[str], name: str, logs: Path, home: Path) -> ChildProcess:
    # MLflow starts uvicorn by its name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {"SWITCHYARD_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "PATH": path}
    return start_child(arguments, log_path=logs / f"{name}.log", name=name, env=environment)


def _rps(port: int, requests: Sequence[bytes], seconds: float, path: str = "/v1/infer") -> float:
    """Requests a second over several connections, after a second that is not counted."""
    whole = [request_bytes(port, body, path) for body in requests]
    closed_loop(port, CONNECTIONS, whole, min(seconds, 1.0))
    began = time.perf_counter()
    answered = len(closed_loop(port, CONNECTIONS, whole, seconds))
    return round(answered / (time.perf_counter() - began), 1)


def _batch_rate(port: int, plain: Sequence[bytes], seconds: float) -> float:
    """Items a second in batches of a thousand, one at a time."""
    whole = [request_bytes(port, bodies.batch(plain, BATCH_ITEMS))]
    closed_loop(port, 1, whole, min(seconds, 1.0))
    return round(BATCH_ITEMS / statistics.mean(closed_loop(port, 1, whole, seconds)), 1)


def _answering(port: int, requests: Sequence[bytes]) -> int:
    """Models that have answered at least one of the requests."""
    found = set()
    for body in requests:
        answer = httpx.post(
            f"http://{HOST}:{port}/v1/infer",
            content=body,
            headers={"content-type": "application/json"},
            timeout=60,
        ).json()
        for module in ("monitoring", "maintenance", "energy", "decision"):
            found |= {name for name, one in answer[module].items() if one["status"] == "ok"}
    return len(found)


def _percentile_ms(durations: Sequence[float], percent: float) -> float:
    return round(1e3 * float(np.percentile(durations, percent)), 4)


def _resident_mb(child: ChildProcess) -> float:
    """Resident memory of the server's processes without the guard, 10^6 bytes."""
    tree = psutil.Process(child.pid).children(recursive=True)
    return sum(process.memory_info().rss for process in tree) / 1e6


def _answers(port: int, path: str) -> Callable[[], bool]:
    """Whether a server answers 200 there."""

    def ready() -> bool:
        try:
            return httpx.get(f"http://{HOST}:{port}{path}", timeout=10).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    return ready


def note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
