"""Model cards: what a version is for, what it was trained on, how well it does and where not to trust it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.evaluation import ALL, HELD_OUT, TRAINING, ReportRow
from models.protocol import Definition

SECTIONS = ("Purpose", "Data", "Metrics", "Slices", "Limits", "How to use", "Version")
WORST_SLICES = 4
MEASURED = "observed"
"""Tag `profile` of what learnt from measured tables."""

GAP = "&emsp;"
"""Behind each cell: MLflow draws tables without any space between columns."""


def summary(definition: Definition[Any], substation: str = "") -> str:
    """Two sentences on what a model is, for its experiment and its registered name."""
    whose = f" Learnt on rows of {substation} alone or fitted to it." if substation else ""
    return f"{definition.title}. {_algorithm(definition)}.{whose}"


def write(
    definition: Definition[Any],
    rows: Sequence[ReportRow],
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    registered: str = "",
) -> str:
    """The card in Markdown; it becomes the version's description.

    Args:
        definition: The model.
        rows: Its rows of the report; empty where a version is judged elsewhere.
        tags: The version's tags, which say who contributed and name data and code by digest.
        params: Parameters that it was fitted with.
        registered: Registered name; empty for that of the model, or of the substation that the tags name.
    """
    substation = tags.get("substation", "")
    registered = registered or (f"{definition.name}.{substation}" if substation else definition.name)
    measured = tags.get("profile") == MEASURED
    data = "the measured tables named above, and no others" if measured else "simulated data only"
    parts = (
        _purpose(definition),
        _data(rows, tags),
        _metrics(definition, rows, tags),
        _slices(definition, rows),
        [definition.limits, "", f"Trained and judged on {data}."],
        _use(definition, registered),
        _version(definition, tags, params),
    )
    # Lists of versions show the first line alone.
    lines = [_first_line(definition, rows, tags), "", f"# {registered}", ""]
    for title, part in zip(SECTIONS, parts, strict=True):
        lines += [f"## {title}", "", *part, ""]
    return "\n".join(lines)


def _first_line(definition: Definition[Any], rows: Sequence[ReportRow], tags: Mapping[str, str]) -> str:
    """Who it learnt from, whether it met its bars, and its main figure beside the best opponent."""
    who = tags.get("contributors", "").replace(",", ", ")
    by = tags.get("trained_by", "pooled").replace("_", "-").capitalize()
    told = f"{by}{f' ({who})' if who else ''}"
    if tags.get("bar"):
        told += f", bars {tags['bar']}"
    main = [
        row
        for row in rows
        if (row.metric, row.substation, row.slice) == (definition.headline, TRAINING, ALL)
        and row.value is not None
    ]
    for row in main:
        told += f": {row.metric} {_number(row.value)}"
        if row.opponent_value is not None:
            told += f", best opponent {_number(row.opponent_value)}"
    return f"{told}."


def _algorithm(definition: Definition[Any]) -> str:
    return definition.algorithm[:1].upper() + definition.algorithm[1:]


def _purpose(definition: Definition[Any]) -> list[str]:
    fields = ", ".join(f"`{output.name}`" for output in definition.outputs)
    return [
        f"{definition.title}. {_algorithm(definition)}.",
        "",
        f"**Target.** {definition.target.description}.",
        "",
        f"**Answers** {fields} at points of kind {', '.join(definition.point_kinds)}.",
        "",
        f"**Inputs.** {inputs(definition.features)}.",
    ]


def _data(rows: Sequence[ReportRow], tags: Mapping[str, str]) -> list[str]:
    who = tags.get("contributors", "").replace(",", ", ") or "no substation that is named"
    own = tags.get("substation", "")
    of = f" of profile {rows[0].profile}" if rows else ""
    count = f", {int(tags['n_total']):,} rows" if tags.get("n_total") else ""
    what = "Measured tables" if tags.get("profile") == MEASURED else f"Simulated campaign{of}"
    lines = [f"{what}; trained ({tags.get('trained_by', 'pooled')}) on {who}{count}."]
    if own and own != tags.get("contributors"):
        lines += ["", f"Fitted to {own} afterwards."]
    if rows:
        seen = sorted({row.substation for row in rows} - {TRAINING, HELD_OUT, *who.split(", ")})
        held_out = f"; never seen: {', '.join(seen)}, all of its episodes" if seen else ""
        lines += ["", f"Judged on test episodes of {who}, whole days apart from training{held_out}."]
    return lines


def _metrics(
    definition: Definition[Any], rows: Sequence[ReportRow], tags: Mapping[str, str]
) -> Sequence[str]:
    main = {metric.name for metric in definition.metrics if not metric.detail}
    chosen = [
        row
        for row in rows
        if row.slice == ALL and row.substation in {TRAINING, HELD_OUT} and row.metric in main
    ]
    if not chosen:
        compared = [
            f"{name.replace('_', ' ')} {tags[name]}"
            for name in ("validation_loss", "validation_loss_of_global")
            if tags.get(name)
        ]
        beside = f"; {', '.join(compared)}" if compared else ""
        return [f"Judged beside the global model in the federation report{beside}."]
    bar = tags.get("bar", "")
    said = [f"Bars: **{bar}** on the test episodes.", ""] if bar else []
    return [
        *said,
        "Intervals are 95 % bootstrap intervals by episode; ↑ higher is better, ↓ lower is.",
        "",
        _cells(
            ("metric", "where", "figure", "95 %", "best opponent", "tree of depth 3", "oracle", "bar", "met")
        ),
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in chosen),
    ]


def _line(row: ReportRow) -> str:
    opponent = "–" if row.opponent_value is None else f"{_number(row.opponent_value)} ({row.opponent})"
    between = "–" if row.low is None or row.high is None else f"{_number(row.low)} … {_number(row.high)}"
    met = "" if row.met is None else ("yes" if row.met else "no")
    where = "test" if row.substation == TRAINING else "held out"
    arrow = "↑" if row.direction == "higher" else "↓"
    figures = (_number(row.tree3), _number(row.oracle), _number(row.bar))
    return _cells((f"{row.metric} {arrow}", where, _number(row.value), between, opponent, *figures, met))


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(f"{cell}{GAP}" for cell in cells) + " |"


def _slices(definition: Definition[Any], rows: Sequence[ReportRow]) -> list[str]:
    """The headline by substation, and the kinds at which it is worst."""
    headline = [row for row in rows if row.metric == definition.headline and row.value is not None]
    if not headline:
        return ["None: this version was not judged by slice."]
    own = [row for row in headline if row.slice == ALL and row.substation not in {TRAINING, HELD_OUT}]
    lines = [
        f"`{definition.headline}` by substation: {', '.join(_short(row.substation, row) for row in own)}."
    ]
    kinds = [row for row in headline if row.slice != ALL and row.substation == TRAINING]
    kinds.sort(key=lambda row: row.value or 0.0, reverse=kinds[0].direction == "lower" if kinds else False)
    if kinds:
        worst = ", ".join(_short(row.slice, row) for row in kinds[:WORST_SLICES])
        lines += ["", f"By kind, the worst first: {worst}."]
    return lines


def _short(name: str, row: ReportRow) -> str:
    opponent = f" (opponent {_number(row.opponent_value)})" if row.opponent_value is not None else ""
    return f"{name} {_number(row.value)}{opponent}"


def _use(definition: Definition[Any], registered: str) -> list[str]:
    readings = "1 reading" if definition.minimum_readings == 1 else f"{definition.minimum_readings} readings"
    if registered == definition.name:
        served = (
            f"`switchyard publish` serves the champion; `switchyard infer examples/*.json --models "
            f"{definition.name}` asks for it. It needs {readings} and abstains where an input is missing."
        )
    else:
        served = (
            f"A version of one substation beside the pooled `{definition.name}`, which `switchyard publish` "
            f"serves. It needs {readings} and abstains where an input is missing."
        )
    files = (
        "`compiled/` of this version holds the ONNX graph to serve, its decoder and golden answers. The "
        f"estimator of its own library loads by `mlflow.pyfunc.load_model('models:/{registered}/<version>')` "
        "and reads the inputs of its signature."
    )
    return [served, "", files]


def _version(definition: Definition[Any], tags: Mapping[str, str], params: Mapping[str, Any]) -> list[str]:
    digests = [
        f"{name.removesuffix('_digest')} `{tags[name][:12]}`"
        for name in ("step_key", "dataset_digest", "circuit_digest", "catalogue_digest", "code_digest")
        if tags.get(name)
    ]
    contract = tags.get("contract_version", "–")
    return [
        f"Declaration {definition.version}, contract {contract}; {', '.join(digests)}.",
        "",
        "Parameters: "
        + (", ".join(f"{name} = {_said(value)}" for name, value in sorted(params.items())) or "none")
        + ".",
    ]


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if abs(value) >= 1.0 else f"{value:.4f}"


def inputs(names: Iterable[str]) -> str:
    """Names, a feature of several steps once with its first and last step."""
    steps: dict[str, list[str]] = {}
    for name in names:
        base, _, step = name.partition(".")
        steps.setdefault(base, []).append(step)
    return ", ".join(
        f"`{base}.{found[0]}` … `.{found[-1]}`" if len(found) > 1 else f"`{base}`"
        for base, found in steps.items()
    )
