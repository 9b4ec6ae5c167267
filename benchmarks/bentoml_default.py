"""A plain BentoML endpoint with the native models: what one gets by BentoML's quickstart.

`bentoml serve benchmarks.bentoml_default:NativeService` with `SWITCHYARD_HOME` set; `POST /infer` takes
`{"item": {...}}`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml
import msgspec

from benchmarks.natives import replace_graphs
from serving.engine import Engine
from serving.intake import infer
from switchyard.home import Home


class Native:
    """Answers one item by the native estimators."""

    def __init__(self) -> None:
        home = Home(Path(os.environ["SWITCHYARD_HOME"]))
        self._engine = Engine.load(home, home.current.read_text().strip())
        replace_graphs(self._engine, home)

    @bentoml.api  # type: ignore[untyped-decorator]
    def infer(self, item: dict[str, Any]) -> dict[str, Any]:
        """The answer to one item."""
        answer: dict[str, Any] = msgspec.json.decode(infer(self._engine, msgspec.json.encode(item), "native"))
        return answer


NativeService = bentoml.service(name="native")(Native)
