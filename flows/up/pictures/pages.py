"""Which pages are pictured: what a newcomer looks at first, and what each reads when it is drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from flows.up.parts import MLFLOW, PREFECT
from flows.up.state import UpState
from switchyard.errors import SwitchyardError

# What a person sets once: MLflow opens for language models, with a chat beside the page.
MLFLOW_CHOICES = {
    "mlflow.workflowType_v1": '"machine_learning"',
    "mlflow.assistant.panelOpen_v1": "false",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
}
WIDTH, HEIGHT = 1280, 800
COMPARED = 3
TIMEOUT_S = 60.0


class NothingToShowError(SwitchyardError):
    """The home holds no finished run or no version."""


@dataclass(frozen=True, slots=True)
class PicturedPage:
    """One page.

    Attributes:
        name: Name of the picture, without its ending.
        url: Where it is.
        texts: What it reads when it is drawn, small or capital letters alike.
        clicks: Texts that are clicked first, in this order.
        storage: Choices that the browser remembers for this site.
        height: Of the window, in pixels.
    """

    name: str
    url: str
    texts: tuple[str, ...]
    clicks: tuple[str, ...] = ()
    storage: dict[str, str] = field(default_factory=dict)
    height: int = HEIGHT


def pages(state: UpState) -> tuple[PicturedPage, ...]:
    """The pages of what is up.

    Raises:
        NothingToShowError: A page does not answer, no pipeline has finished, or no model has a version.
    """
    prefect, mlflow = state.url(PREFECT), state.url(MLFLOW)
    if prefect is None or mlflow is None:
        raise NothingToShowError("Prefect or MLflow does not answer", "look at `switchyard status`")
    return (*_prefect(prefect), *_mlflow(mlflow))


def _prefect(url: str) -> Iterator[PicturedPage]:
    finished = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}, "sort": "END_TIME_DESC"}
    runs = _post(f"{url}/api/flow_runs/filter", {**finished, "flows": {"name": {"any_": ["pipeline"]}}})
    if not runs:
        raise NothingToShowError("no run of the flow pipeline has finished", "switchyard run")
    forms = _post(f"{url}/api/deployments/filter", {"flows": {"name": {"any_": ["train"]}}})
    if not forms:
        raise NothingToShowError("no deployment is registered", "look at `switchyard status`")
    form = f"{url}/deployments/deployment/{forms[0]['id']}/run"
    yield PicturedPage("prefect-deployments", f"{url}/deployments", ("train", "publish", "Ready"))
    yield PicturedPage("prefect-form", form, ("substation", "Trials of the search"), height=900)
    yield PicturedPage("prefect-run", f"{url}/runs/flow-run/{runs[0]['id']}", (runs[0]["name"], "Completed"))


def _mlflow(url: str) -> Iterator[PicturedPage]:
    api = f"{url}/api/2.0/mlflow"
    found = _get(f"{api}/model-versions/search?max_results=10000").get("model_versions", [])
    versions: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        versions.setdefault(str(one["name"]), []).append(one)
    if not versions:
        raise NothingToShowError("no model is registered", "switchyard run")
    shown = max(sorted(versions), key=lambda name: (len(versions[name]), "." not in name))
    newest = sorted(versions[shown], key=lambda one: int(one["version"]))[-COMPARED:]
    runs = [str(one["run_id"]) for one in newest]
    experiment = str(_get(f"{api}/runs/get?run_id={runs[0]}")["run"]["info"]["experiment_id"])
    which = f"runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
    compared = f"{url}/#/compare-runs?{which}"
    card = f"{url}/#/models/{shown}/versions/{newest[0]['version']}"
    yield _ours("mlflow-experiments", f"{url}/#/experiments", ("Description", "module", shown))
    yield _ours("mlflow-card", card, ("Purpose", "best opponent"))
    yield _ours("mlflow-comparison", compared, ("Run details", "Parallel Coordinates"))


def _ours(name: str, url: str, texts: tuple[str, ...]) -> PicturedPage:
    return PicturedPage(name, url, texts, storage=MLFLOW_CHOICES)


def _get(url: str) -> dict[str, Any]:
    return dict(_answer(httpx.Request("GET", url)))


def _post(url: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(_answer(httpx.Request("POST", url, json=body)))


def _answer(request: httpx.Request) -> Any:
    with httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client:
        try:
            answer = client.send(request)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise NothingToShowError(f"{request.url}: {error}", "look at `switchyard status`") from error
        return answer.json()
