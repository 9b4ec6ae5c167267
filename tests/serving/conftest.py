"""Small real models in the compiled form, a home with a snapshot of them, and requests that are sound."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from serving.keys import KeyFile
from serving.snapshot import CHALLENGER, PublishedModel, set_current, write_snapshot
from switchyard.home import Home

REGISTERED = datetime.now(UTC)
VOLTAGE_INPUTS = ["v_min_pu", "v_max_pu", "vuf_line_pct"]
PHASE_INPUTS = ["vuf_line_pct", "v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu"]
SERVICE = "serving.service:SwitchyardService"
POINT_KINDS = ["infeed", "transformer_bay", "bus", "feeder"]


def tree_onnx(inputs: int, nodes: list[tuple[int, float, int, int] | list[float]], output: str) -> bytes:
    """One tree: a node is (input, threshold, left, right), a leaf the list of its values."""
    from onnx import TensorProto, helper

    leaf = [isinstance(node, list) for node in nodes]
    width = len(next(node for node in nodes if isinstance(node, list)))
    weights = [
        (k, n, w) for k, node in enumerate(nodes) if isinstance(node, list) for n, w in enumerate(node)
    ]
    inner = [(0, 0.0, 0, 0) if isinstance(node, list) else node for node in nodes]
    tree = helper.make_node(
        "TreeEnsembleRegressor",
        ["rounded"],
        [output],
        domain="ai.onnx.ml",
        n_targets=width,
        nodes_treeids=[0] * len(nodes),
        nodes_nodeids=list(range(len(nodes))),
        nodes_featureids=[node[0] for node in inner],
        nodes_modes=["LEAF" if end else "BRANCH_LEQ" for end in leaf],
        nodes_values=[node[1] for node in inner],
        nodes_truenodeids=[node[2] for node in inner],
        nodes_falsenodeids=[node[3] for node in inner],
        target_treeids=[0] * len(weights),
        target_nodeids=[k for k, _, _ in weights],
        target_ids=[n for _, n, _ in weights],
        target_weights=[w for _, _, w in weights],
    )
    graph = helper.make_graph(
        [helper.make_node("Cast", ["features"], ["rounded"], to=TensorProto.FLOAT), tree],
        "tree",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["n", inputs])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def fragile_onnx() -> bytes:
    """A score of 0.4 that breaks at run time where the first input is below 0.9: it reads beyond a table."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Less", ["features", "limit"], ["low"]),
        helper.make_node("Cast", ["low"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["place", "first"], ["column"], axis=1),
        helper.make_node("Gather", ["table", "column"], ["anomaly_score"], axis=0),
    ]
    constants = [
        numpy_helper.from_array(np.array(0.9), "limit"),
        numpy_helper.from_array(np.array([0]), "first"),
        numpy_helper.from_array(np.array([0.4], dtype=np.float32), "table"),
    ]
    graph = helper.make_graph(
        nodes,
        "fragile",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["n", 3])],
        [helper.make_tensor_value_info("anomaly_score", TensorProto.FLOAT, ["n", 1])],
        constants,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()


def write_compiled(folder: Path, onnx: bytes, spec: dict[str, Any], golden: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    common = {
        "schema": 1,
        "declaration": 1,
        "input_dtype": "float64",
        "minimum_readings": 1,
        "point_kinds": POINT_KINDS,
        "requires": [],
        "feature_catalogue_digest": features.catalogue_digest(),
        "contract_version": CONTRACT_VERSION,
    }
    (folder / "model.onnx").write_bytes(onnx)
    (folder / "spec.json").write_text(json.dumps(common | spec))
    (folder / "golden.json").write_text(json.dumps({"schema": 1} | golden))
    return folder


def compile_phase_imbalance(folder: Path, **changes: Any) -> Path:
    """Classes by the line-voltage unbalance alone."""
    onnx = tree_onnx(
        4,
        [
            (0, 5.0, 1, 2),
            (0, 2.0, 3, 4),
            (0, 10.0, 5, 6),
            [0.97, 0.01, 0.01, 0.01],
            [0.05, 0.9, 0.05, 0.0],
            [0.0, 0.1, 0.8, 0.1],
            [0.0, 0.0, 0.25, 0.75],
        ],
        "probabilities",
    )
    spec = {
        "model": "phase_imbalance",
        "features": PHASE_INPUTS,
        "onnx_outputs": ["probabilities"],
        "decoder": {
            "classes": ["balanced", "minor", "moderate", "severe"],
            "critical_phase_features": ["v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu"],
        },
    }
    golden = {
        "features": [[0.4, -0.003, -0.003, 0.006], [3.0, 0.02, -0.05, 0.03], [12.0, -0.4, 0.2, 0.2]],
        "raw": [[0.97, 0.01, 0.01, 0.01], [0.05, 0.9, 0.05, 0.0], [0.0, 0.0, 0.25, 0.75]],
        "answers": [
            {"imbalance_class": "balanced", "confidence": 0.97, "critical_phase": "C"},
            {"imbalance_class": "minor", "confidence": 0.9, "critical_phase": "B"},
            {"imbalance_class": "severe", "confidence": 0.75, "critical_phase": "A"},
        ],
        "tolerance": {"confidence": 2e-6},
    }
    return write_compiled(folder, onnx, spec | changes.get("spec", {}), golden | changes.get("golden", {}))


def compile_voltage_anomaly(folder: Path, low: float = -0.6, **changes: Any) -> Path:
    """Anomalous below 0.9 or above 1.1 pu; `low` is the score of the former."""
    onnx = changes.get("onnx") or tree_onnx(
        3, [(0, 0.9, 1, 2), [low], (1, 1.1, 3, 4), [0.4], [-0.5]], "anomaly_score"
    )
    spec = {
        "model": "voltage_anomaly",
        "minimum_readings": 10,
        "features": VOLTAGE_INPUTS,
        "onnx_outputs": ["anomaly_score"],
        "decoder": {
            "threshold": 0.0,
            "names": VOLTAGE_INPUTS,
            "centre": [1.0, 1.0, 0.3],
            "scale": [0.01, 0.01, 0.2],
            "z_limit": 3.5,
            "limit": 5,
        },
        "watched": {
            "features": [{"name": "v_min_pu", "edges": [0.9, 0.999], "shares": [0.1, 0.8, 0.1, 0.0]}],
            "outputs": [
                {"name": "anomaly_detected", "values": ["false", "true"], "shares": [0.9, 0.1, 0.0, 0.0]},
                {"name": "anomaly_score", "edges": [0.0], "shares": [0.1, 0.9, 0.0]},
            ],
        },
    }
    golden = {
        "features": [[0.99, 1.01, 0.3], [0.5, 1.0, 40.0], [1.0, 1.2, 0.3]],
        "raw": [[0.4], [low], [-0.5]],
        "answers": [
            {"anomaly_detected": False, "anomaly_score": 0.4, "outlier_features": []},
            {
                "anomaly_detected": True,
                "anomaly_score": low,
                "outlier_features": ["vuf_line_pct", "v_min_pu"],
            },
            {"anomaly_detected": True, "anomaly_score": -0.5, "outlier_features": ["v_max_pu"]},
        ],
        "tolerance": {"anomaly_score": 2e-6},
    }
    return write_compiled(folder, onnx, spec | changes.get("spec", {}), golden | changes.get("golden", {}))


HARMONIC_INPUTS = ["thd_v_wave_pct", "h5_v_pct", "h7_v_pct", "thd_worst_pct", "v_nom_log"]


def compile_harmonic_analysis(folder: Path, **changes: Any) -> Path:
    """Half of what the waveform says, four fifths of what the meter says."""
    import numpy as np

    from models.graphs import forest_graph
    from models.trees import LARGEST, TreeArrays

    halves, fifths = math.log(0.5), math.log(0.8)
    tree = TreeArrays(
        feature=np.array([0, -1, -1]),
        threshold=np.array([LARGEST, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.array([[0.0], [halves], [fifths]]),
    )
    spec = {
        "model": "harmonic_analysis",
        "features": HARMONIC_INPUTS,
        "optional": HARMONIC_INPUTS[:4],
        "one_of": ["thd_v_wave_pct", "thd_worst_pct"],
        "onnx_outputs": ["ln_ratio"],
        "decoder": {
            "measured": ["thd_v_wave_pct", "thd_worst_pct"],
            "least_thd_pct": 0.01,
            "levels": ["low", "medium", "high"],
            "limits_pct": [3.0, 5.0],
            "order_features": ["h5_v_pct", "h7_v_pct"],
            "orders": [5, 7],
            "least_order_pct": 0.3,
            "most_orders": 3,
        },
    }
    golden = {
        "features": [[8.0, 0.2, 4.0, 9.0, 1.5], [None, None, None, 8.0, 1.5]],
        "raw": [[halves], [fifths]],
        "answers": [
            {"thd_estimate": 4.0, "harmonic_level": "medium", "dominant_harmonics": [7]},
            {"thd_estimate": 6.4, "harmonic_level": "high"},
        ],
        "tolerance": {"thd_estimate": 2e-6},
    }
    onnx = forest_graph("harmonic_analysis", [tree], len(HARMONIC_INPUTS), "ln_ratio")
    return write_compiled(folder, onnx, spec | changes.get("spec", {}), golden | changes.get("golden", {}))


@dataclass(frozen=True)
class Compiler:
    """Makes compiled folders below `root`."""

    root: Path

    def phase_imbalance(self, name: str = "phase", **changes: Any) -> Path:
        return compile_phase_imbalance(self.root / name, **changes)

    def voltage_anomaly(self, name: str = "voltage", low: float = -0.6, **changes: Any) -> Path:
        return compile_voltage_anomaly(self.root / name, low, **changes)

    def harmonic_analysis(self, name: str = "harmonic", **changes: Any) -> Path:
        return compile_harmonic_analysis(self.root / name, **changes)


@dataclass(frozen=True)
class Publisher:
    """Publishes the models for mumbai and delhi into a home."""

    home: Home
    compiler: Compiler

    def publish(
        self, version: str = "1", low: float = -0.6, *, current: bool = True, challenger: str | None = None
    ) -> str:
        phase = self.compiler.phase_imbalance(f"phase-{version}")
        voltage = self.compiler.voltage_anomaly(f"voltage-{version}", low)
        harmonic = self.compiler.harmonic_analysis(f"harmonic-{version}")
        names = ("phase_imbalance", "voltage_anomaly", "harmonic_analysis")
        routes = {name: name for name in names}
        beside = []
        if challenger is not None:
            folder = self.compiler.voltage_anomaly(f"challenger-{challenger}", 0.3 * low)
            beside = [PublishedModel("voltage_anomaly", challenger, folder, alias=CHALLENGER)]
        name = write_snapshot(
            self.home,
            [
                PublishedModel("phase_imbalance", version, phase),
                PublishedModel("voltage_anomaly", version, voltage, registered_at=REGISTERED),
                PublishedModel("harmonic_analysis", version, harmonic),
                *beside,
            ],
            {"mumbai": routes, "delhi": routes},
            catalogue_digest=features.catalogue_digest(),
            contract_version=CONTRACT_VERSION,
        )
        if current:
            set_current(self.home, name)
        return name


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path / "compiled")


@pytest.fixture(scope="session")
def fragile() -> bytes:
    return fragile_onnx()


@pytest.fixture(scope="session")
def tree() -> Callable[..., bytes]:
    return tree_onnx


@pytest.fixture(scope="session")
def make_publisher() -> Callable[[Path], Publisher]:
    return lambda root: Publisher(Home(root / "home"), Compiler(root / "compiled"))


@pytest.fixture
def publisher(tmp_path: Path, make_publisher: Callable[[Path], Publisher]) -> Publisher:
    return make_publisher(tmp_path)


def make_reading(second: int, scale: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict[str, Any]:
    """A bay that feeds a 33 kV bus with 23 MW; `scale` multiplies the phase voltages."""
    t = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(seconds=second)
    angles = [0.0, -2 * math.pi / 3, 2 * math.pi / 3]
    v = [19053.0 * s for s in scale]
    phasors = [m * complex(math.cos(a), math.sin(a)) for m, a in zip(v, angles, strict=True)]
    line = [abs(phasors[k] - phasors[(k + 1) % 3]) for k in range(3)]
    i = [410.0, 411.0, 409.0]
    return {
        "t": t.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "v": v,
        "i": i,
        "p": [-0.95 * a * b for a, b in zip(v, i, strict=True)],
        "q": [-0.31 * a * b for a, b in zip(v, i, strict=True)],
        "f": 50.01,
        "v_ll": line,
        "v_min": [0.999 * x for x in v],
        "v_max": [1.001 * x for x in v],
        "thd": [1.2, 1.3, 1.2],
        "pst": 0.4,
        "quality": "good",
    }


def make_item(
    readings: int = 10, scale: tuple[float, float, float] = (1.0, 1.0, 1.0), **changes: Any
) -> dict[str, Any]:
    return {
        "substation": "mumbai",
        "point": "DTX1.LV",
        "readings": [make_reading(k, scale) for k in range(readings)],
    } | changes


def make_waveform(
    harmonics_pct: dict[int, float], volts: float = 19053.0, rate_hz: float = 6400.0
) -> dict[str, Any]:
    """Ten cycles of three phases with the same harmonics, in % of the fundamental; currents without any."""
    f_hz = 50.02
    turns = [2 * math.pi * f_hz * k / rate_hz for k in range(round(0.2 * rate_hz))]

    def series(size: float, phase: int, content: dict[int, float]) -> list[float]:
        shift = -2 * math.pi / 3 * phase
        orders = [(1, 1.0), *((order, pct / 100) for order, pct in content.items())]
        return [
            round(math.sqrt(2) * size * sum(a * math.cos(h * (x + shift)) for h, a in orders), 2)
            for x in turns
        ]

    return {
        "rate_hz": rate_hz,
        "v": [series(volts, phase, harmonics_pct) for phase in range(3)],
        "i": [series(410.0, phase, {}) for phase in range(3)],
    }


@pytest.fixture(scope="session")
def waveform() -> Callable[..., dict[str, Any]]:
    return make_waveform


@pytest.fixture(scope="session")
def item() -> Callable[..., dict[str, Any]]:
    return make_item


@pytest.fixture(scope="session")
def reading() -> Callable[..., dict[str, Any]]:
    return make_reading


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A service in processes of its own."""

    kind: str
    home: Home
    publisher: Publisher
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, **options)

    def connect(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=20)

    def head(self, length: int) -> bytes:
        lines = ("POST /v1/infer HTTP/1.1", "Host: x", "Content-Type: application/json")
        return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()

    def workers(self) -> list[psutil.Process]:
        marks = {"run": "spawn_main", "bentoml": "_bentoml_impl.worker.service"}
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if marks[self.kind] in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def metric(self, line: str) -> float | None:
        for found in httpx.get(f"{self.url}/metrics", timeout=5).text.splitlines():
            name, _, value = found.rpartition(" ")
            if name == line:
                return float(value)
        return None

    def wait(self, condition: Callable[[], bool], seconds: float = 120.0, what: str = "it") -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"{self.kind} ended: {self.tail()}"
            assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s: {self.tail()}"
            time.sleep(0.05)

    def answers(self, path: str, status: int = 200) -> bool:
        try:
            return httpx.get(f"{self.url}{path}", timeout=5).status_code == status
        except httpx.TransportError:
            return False

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def start_server(
    kind: str,
    root: Path,
    *,
    publish: bool = True,
    prepare: Callable[[Home], None] | None = None,
) -> Server:
    home = Home(root / "home")
    publisher = Publisher(home, Compiler(root / "compiled"))
    if publish:
        publisher.publish()
    if prepare is not None:
        prepare(home)
    port = free_port()
    arguments = {
        "run": ["-m", "serving.run", "--home", str(home.root), "--port", str(port)],
        "bentoml": [
            "-m",
            "bentoml",
            "serve",
            "serving.service:SwitchyardService",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
    }[kind]
    log = root / "server.log"
    environment = {
        **os.environ,
        "SWITCHYARD_HOME": str(home.root),
        "BENTOML_HOME": str(root / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
    server = Server(kind, home, publisher, process, f"http://127.0.0.1:{port}", log)
    try:
        # Two cores may have much else to do.
        server.wait(lambda: server.answers("/readyz" if publish else "/livez"), seconds=180, what="readiness")
    except BaseException:
        process.terminate()
        process.wait(30)
        raise
    return server


@dataclass
class Keyed:
    """A service with two keys: one for infer and models at Mumbai, one for everything."""

    server: Server
    mumbai: str
    everything: str

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        bearer = {"authorization": f"Bearer {key}"} if key else {}
        headers = options.pop("headers", {}) | bearer
        with self.server.client() as client:
            return client.request(method, path, headers=headers, **options)

    def infer(self, body: Any, key: str | None = None, **options: Any) -> httpx.Response:
        return self.ask("POST", "/v1/infer", key, json=body, **options)

    def audit(self, request_id: str) -> dict[str, Any]:
        """The line about one request, once it is written."""

        def found() -> list[dict[str, Any]]:
            path = self.server.home.audit_log
            text = path.read_text() if path.exists() else ""
            return [line for line in map(json.loads, text.splitlines()) if line["request_id"] == request_id]

        self.server.wait(lambda: bool(found()), what=f"the audit line of {request_id}")
        (line,) = found()
        return line


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A service with keys, started once; a test may change them, but leaves these two in force."""
    made: dict[str, str] = {}

    def prepare(home: Home) -> None:
        keys = KeyFile(home)
        made["mumbai"] = keys.add("gateway-7", ["mumbai"], ["infer", "models"], days=1)[1]
        made["everything"] = keys.add("control-room", ["*"], ["infer", "models", "metrics"], days=1)[1]

    server = start_server("run", tmp_path_factory.mktemp("keyed"), prepare=prepare)
    yield Keyed(server, made["mumbai"], made["everything"])
    server.stop()


@pytest.fixture(scope="session")
def run_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server("run", tmp_path_factory.mktemp("run"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def bentoml_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server("bentoml", tmp_path_factory.mktemp("bentoml"))
    yield started
    started.stop()


@pytest.fixture(params=["run", "bentoml"])
def server(request: pytest.FixtureRequest) -> Server:
    """Either server, started once for all tests; a test may publish, but leaves it serving."""
    chosen: Server = request.getfixturevalue(f"{request.param}_server")
    return chosen


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that a test may kill."""
    started: list[Server] = []

    def start(kind: str = "run", **options: Any) -> Server:
        started.append(start_server(kind, tmp_path, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
