"""Generates the Grafana dashboard of the service: `python -m monitoring.dashboard [--check]`.

Built with Grafana's own typed builders (grafana-foundation-sdk, for Grafana 11.6), so that a field that
Grafana does not know cannot be written.
"""

# A panel's query reads best on one line.
# ruff: noqa: E501

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from switchyard.pages import write_or_check

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

FILE = Path(__file__).parent / "grafana" / "switchyard.json"
COMMAND = "python -m monitoring.dashboard"
ROW_HEIGHT, WIDTH = 8, 24
OWN = 'job="$job", instance=~"$instance"'
INFER = f'{OWN}, route="/v1/infer"'
RATE = "$__rate_interval"


@dataclass(frozen=True)
class View:
    """One panel.

    Attributes:
        title: What it shows.
        description: How to read it.
        unit: Grafana's name of the unit.
        queries: Legend and PromQL expression of each query.
        width: In 24ths of the page.
        limits: Values from which it turns yellow and red.
        stat: Whether it shows the last value alone.
    """

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    width: int = 8
    limits: tuple[float, float] | None = None
    stat: bool = False


def _quantile(q: float, metric: str, chosen: str, by: str = "le") -> str:
    return f"histogram_quantile({q}, sum by ({by}) (rate({metric}_bucket{{{chosen}}}[{RATE}])))"


def _quantiles(metric: str, chosen: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"p{100 * q:g}", _quantile(q, metric, chosen)) for q in (0.5, 0.9, 0.99))


def _share(some: str, all_of_them: str) -> str:
    def rate(chosen: str) -> str:
        return f"sum by (model) (rate(switchyard_model_answers_total{{{OWN}, {chosen}}}[{RATE}]))"

    return f"{rate(some)} / ({rate(all_of_them)} > 0)"


ROWS: tuple[tuple[str, tuple[View, ...]], ...] = (
    (
        "State",
        (
            View("Ready", "1 while every worker answers requests.", "none",
                 (("{{instance}}", f"min by (instance) (switchyard_ready{{{OWN}}})"),), 4, stat=True),
            View("Snapshot alarm", "1 while the current snapshot is refused and an older one is served.", "none",
                 (("{{instance}}", f"max by (instance) (switchyard_snapshot_alarm{{{OWN}}})"),), 4, (0.5, 1), stat=True),
            View("Snapshot age", "Time since the snapshot that is served was written.", "s",
                 (("{{instance}}", f"time() - min by (instance) (switchyard_snapshot_created_seconds{{{OWN}}})"),), 4, stat=True),
            View("Snapshot", "Number of the snapshot that is served.", "none",
                 (("{{instance}}", f"min by (instance) (switchyard_snapshot_seq{{{OWN}}})"),), 4, stat=True),
            View("Workers", "Worker processes that live.", "none",
                 (("{{instance}}", f"sum by (instance) (switchyard_workers{{{OWN}}})"),), 4, stat=True),
            View("Worker restarts, 1 h", "How often a worker was replaced within an hour.", "none",
                 (("{{instance}}", f"max by (instance) (changes(switchyard_worker_started_seconds{{{OWN}}}[1h]))"),), 4, (1, 3), stat=True),
        ),
    ),
    (
        "Requests",
        (
            View("Latency of inference", "From the request's head to its answer, answered requests alone. Targets: p50 2 ms, p99 10 ms.", "s",
                 _quantiles("switchyard_request_seconds", f'{INFER}, status="200"'), limits=(0.2, 0.5)),
            View("Requests by status", "Inference requests a second.", "reqps",
                 (("{{status}}", f"sum by (status) (rate(switchyard_request_seconds_count{{{INFER}}}[{RATE}]))"),)),
            View("Requests by route", "All routes; anything else than ours is other.", "reqps",
                 (("{{route}}", f"sum by (route) (rate(switchyard_request_seconds_count{{{OWN}}}[{RATE}]))"),)),
            View("Computing", "Decoding, features, models and encoding of one request.", "s",
                 _quantiles("switchyard_compute_seconds", OWN)),
            View("Waiting", "What a large request waits for the thread that computes it.", "s",
                 _quantiles("switchyard_queue_seconds", OWN)),
            View("At work and turned away", "Inference requests at work, and those turned away a second by reason.", "none",
                 (("at work", f"sum(switchyard_in_flight{{{OWN}}})"),
                  ("{{reason}} /s", f"sum by (reason) (rate(switchyard_shed_total{{{OWN}}}[{RATE}]))"))),
        ),
    ),
    (
        "Models",
        (
            View("Duration by model, p99", "One call of a model, however many rows it held.", "s",
                 (("{{model}}", _quantile(0.99, "switchyard_model_seconds", f'{OWN}, model=~"$model"', "le, model")),), 12),
            View("Answers by status", "Items a second by what the models said.", "ops",
                 (("{{status}}", f'sum by (status) (rate(switchyard_model_answers_total{{{OWN}, model=~"$model"}}[{RATE}]))'),), 12),
            View("Share of abstentions", "Items at which a model had too little to go by.", "percentunit",
                 (("{{model}}", _share('model=~"$model", status="abstained"', 'model=~"$model"')),), 12),
            View("Failed answers", "Items a second at which a model broke.", "ops",
                 (("{{version}}", f'sum by (version) (rate(switchyard_model_answers_total{{{OWN}, model=~"$model", status="failed"}}[{RATE}]))'),), 12),
        ),
    ),
    (
        "Inputs and drift",
        (
            View("Input quality", "Items a second by the worst validity among their readings (IEC 61850).", "ops",
                 (("{{quality}}", f"sum by (quality) (rate(switchyard_input_quality_total{{{OWN}}}[{RATE}]))"),)),
            View("Items", "Items a second: answered, or refused because they break the contract.", "ops",
                 (("{{outcome}}", f"sum by (outcome) (rate(switchyard_items_total{{{OWN}}}[{RATE}]))"),)),
            View("Swaps", "Attempts to take a snapshot up, by outcome, within an hour.", "none",
                 (("{{outcome}}", f"sum by (outcome) (increase(switchyard_swaps_total{{{OWN}}}[1h]))"),)),
            View("Drift of inputs", "Population stability index over an hour against the training rows: from 0.1 moderate, from 0.25 major.", "none",
                 (("{{version}} {{feature}}", f'switchyard:feature_psi:1h{{{OWN}, model=~"$model"}}'),), 12, (0.1, 0.25)),
            View("Drift of answers", "Population stability index over an hour against the answers on unseen rows at training.", "none",
                 (("{{version}} {{output}}", f'switchyard:prediction_psi:1h{{{OWN}, model=~"$model"}}'),), 12, (0.1, 0.25)),
        ),
    ),
)  # fmt: skip


def document() -> str:
    """The dashboard as JSON."""
    from grafana_foundation_sdk.builders.dashboard import Dashboard as Builder
    from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable, Row
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

    source = DataSourceRef(type_val="prometheus", uid="$datasource")

    def choice(name: str, label: str, query: str) -> QueryVariable:
        variable = QueryVariable(name).label(label).datasource(source).query(query)
        return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)

    board = (
        Builder("Switchyard")
        .uid("switchyard-serving")
        .description("The inference service of Switchyard: state, requests, models, inputs and drift.")
        .tags(["switchyard", "generated"])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(choice("job", "Job", "label_values(switchyard_ready, job)"))
        .with_variable(
            choice("instance", "Instance", 'label_values(switchyard_ready{job="$job"}, instance)')
            .multi(True)
            .include_all(True)
        )
        .with_variable(
            choice("model", "Model", 'label_values(switchyard_model_answers_total{job="$job"}, model)')
            .multi(True)
            .include_all(True)
        )
    )
    for title, views in ROWS:
        board = board.with_row(Row(title))
        for view in views:
            board = board.with_panel(_panel(view, source))
    return json.dumps(board.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _panel(view: View, source: DataSourceRef) -> Any:
    """Grafana's panel of a view."""
    from grafana_foundation_sdk.builders import stat, timeseries
    from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

    panel: Any = stat.Panel() if view.stat else timeseries.Panel().fill_opacity(5).min(0)
    panel = panel.title(view.title).description(view.description).unit(view.unit).datasource(source)
    panel = panel.span(view.width).height(4 if view.stat else ROW_HEIGHT)
    steps = [Threshold(value=None, color="green")]
    if view.limits is not None:
        colours = zip(view.limits, ("yellow", "red"), strict=True)
        steps += [Threshold(value=limit, color=colour) for limit, colour in colours]
    panel = panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    for k, (legend, expression) in enumerate(view.queries):
        query = Dataquery().ref_id(chr(ord("A") + k)).expr(expression).legend_format(legend)
        panel = panel.with_target(query)
    return panel


def main(arguments: Sequence[str]) -> int:
    """Write the dashboard, or with `--check` compare it with the file; returns the exit code."""
    return write_or_check(arguments, FILE, document(), COMMAND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
