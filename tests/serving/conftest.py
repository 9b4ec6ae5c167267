"""Small models, a home with a snapshot of them, sound requests, and services that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.keys import KeyFile
from switchyard.home import Home
from tests.serving.compiled_models import Compiler, fragile_onnx, tree_onnx
from tests.serving.publisher import Publisher
from tests.serving.request_bodies import make_item, make_reading, make_waveform
from tests.serving.servers import Keyed, Server, start_server


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


@pytest.fixture(scope="session")
def waveform() -> Callable[..., dict[str, Any]]:
    return make_waveform


@pytest.fixture(scope="session")
def item() -> Callable[..., dict[str, Any]]:
    return make_item


@pytest.fixture(scope="session")
def reading() -> Callable[..., dict[str, Any]]:
    return make_reading


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
