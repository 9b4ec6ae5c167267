"""What the endpoint answered about held-out episodes, beside what truly happened there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from data_contracts.answers import MODULE_OF
from flows.episodes import Episode
from flows.regrets import TOLERATED_PCT, is_right, regret_of
from flows.truths import agreement, thd_pct, truth_of
from models import columns
from switchyard.files import write_json_atomic, write_text_atomic
from switchyard.home import Home

JSON_NAME, MARKDOWN_NAME = "answers.json", "answers.md"
ADVICE = (
    "Advice is judged by what it leads to, by the solved circuit or grid, beside the best that was possible "
    "within the limits: in % of the least loss or cost, or in points of the present imbalance."
)
FRAME = frozenset({"status", "reason", "detail", "model_version"})


class Comparison(msgspec.Struct, frozen=True):
    """One model's answer and the truth.

    Attributes:
        model: Name of the model.
        status: ok, abstained or failed.
        reason: Why there is no answer; empty where there is one.
        model_version: Version that answered.
        answered: Output fields as the endpoint gave them.
        truth: The fields whose truth the simulator knows.
        agrees: Whether it was told rightly (`flows.truths.agreement`, `flows.regrets.is_right`); None where
            that cannot be said.
        regret_pct: How much worse than the best possible an advice is; None where it is none or not judged.
        within_limits: Whether an advice keeps every limit; None likewise.
    """

    model: str
    status: str
    reason: str
    model_version: str
    answered: dict[str, Any]
    truth: dict[str, Any]
    agrees: bool | None
    regret_pct: float | None = None
    within_limits: bool | None = None


class Answered(msgspec.Struct, frozen=True):
    """One request and what came back.

    Attributes:
        substation: Substation asked about.
        topic: What the episode was chosen for.
        scenario_id: The episode.
        point: Measurement point.
        t: Last second of the window, ISO 8601.
        event: What the scenario does to this point in the window.
        event_phase: Phases that it acts on; empty where none.
        severity: Of the event, in multiples of the instrument's error limit; null where there is none.
        vuf_pct: Mean true voltage unbalance factor; null where it is not defined or
            not known of the readings.
        thd_pct: True distortion of the captured voltage, worst phase; null without a capture.
        request_id: Names the request in the service's log.
        snapshot: Set of model versions that answered.
        inference_time_ms: As the endpoint gave it.
        comparisons: By model.
    """

    substation: str
    topic: str
    scenario_id: str
    point: str
    t: str
    event: str
    event_phase: str
    severity: float | None
    vuf_pct: float | None
    thd_pct: float | None
    request_id: str
    snapshot: str
    inference_time_ms: float
    comparisons: tuple[Comparison, ...]


class Tally(msgspec.Struct, frozen=True):
    """How one model did over all requests.

    Attributes:
        model: Name of the model.
        asked: Requests.
        answered: Of them answered.
        judged: Of these with a known truth.
        right: Of these told rightly.
        advised: Answers that are an advice of which it is known what it leads to.
        within_limits: Of these those that keep every limit.
        regret_pct: How much worse than the best possible those are in the mean; None without one.
        silent: Requests without an answer by reason.
        example: Its first answer, told rightly where there is one, with its request; None without an answer.
    """

    model: str
    asked: int
    answered: int
    judged: int
    right: int
    advised: int
    within_limits: int
    regret_pct: float | None
    silent: dict[str, int]
    example: tuple[Answered, Comparison] | None


def tallies(answers: Sequence[Answered]) -> tuple[Tally, ...]:
    """Every model's answers counted, in the order of the models."""
    names = dict.fromkeys(found.model for asked in answers for found in asked.comparisons)
    return tuple(_tally(name, answers) for name in names)


def _tally(model: str, answers: Sequence[Answered]) -> Tally:
    pairs = [(asked, found) for asked in answers for found in asked.comparisons if found.model == model]
    told = [(asked, found) for asked, found in pairs if found.status == "ok"]
    judged = [found.agrees for _, found in told if found.agrees is not None]
    regrets = [found.regret_pct for _, found in told if found.regret_pct is not None and found.within_limits]
    return Tally(
        model=model,
        asked=len(pairs),
        answered=len(told),
        judged=len(judged),
        right=sum(judged),
        advised=sum(found.regret_pct is not None for _, found in told),
        within_limits=len(regrets),
        regret_pct=sum(regrets) / len(regrets) if regrets else None,
        silent=dict(
            Counter(
                found.status if found.status == "failed" else found.reason.partition(":")[0]
                for _, found in pairs
                if found.status != "ok"
            )
        ),
        example=next((pair for pair in told if pair[1].agrees), told[0] if told else None),
    )


def compare(episode: Episode, response: Mapping[str, Any], models: Sequence[str]) -> Answered:
    """Set a response of the endpoint beside the truth of its window.

    Args:
        episode: What was asked.
        response: The decoded response to the item.
        models: Models to compare.
    """
    window = episode.window
    last = episode.truth.slice(episode.truth.num_rows - 1, 1).to_pylist()[0]
    vuf_pct = columns.floats(episode.truth, "vuf_pct")
    known = window.recorded and bool(np.isfinite(vuf_pct).all())
    return Answered(
        substation=episode.request["substation"],
        topic=window.topic.name,
        scenario_id=window.scenario_id,
        point=window.point,
        t=datetime.fromtimestamp(window.seconds[-1], UTC).isoformat(),
        event=last["event"] if last["active"] else "none",
        event_phase=last["event_phase"] if last["active"] else "",
        severity=last["severity"] if last["active"] else None,
        vuf_pct=round(float(vuf_pct.mean()), 3) if known else None,
        thd_pct=None if episode.capture is None else round(thd_pct(episode.capture), 2),
        request_id=response["request_id"],
        snapshot=response["snapshot"],
        inference_time_ms=response["inference_time_ms"],
        comparisons=tuple(_comparison(model, episode, response[MODULE_OF[model]][model]) for model in models),
    )


def _comparison(model: str, episode: Episode, answer: Mapping[str, Any]) -> Comparison:
    answered = {name: value for name, value in answer.items() if name not in FRAME}
    truth = truth_of(model, episode)
    regret = regret_of(model, episode, answered)
    return Comparison(
        model=model,
        status=answer["status"],
        reason=": ".join(answer[part] for part in ("reason", "detail") if part in answer),
        model_version=answer.get("model_version", ""),
        answered=answered,
        truth=truth if regret is None else dict(regret.truth),
        agrees=agreement(model, answered, truth) if regret is None else is_right(model, regret),
        regret_pct=None if regret is None else regret.pct,
        within_limits=None if regret is None else regret.within_limits,
    )


def write(home: Home, answers: Sequence[Answered]) -> tuple[Path, Path]:
    """Write `reports/answers.json` and `reports/answers.md` whole; returns their paths."""
    json_path, markdown_path = home.reports / JSON_NAME, home.reports / MARKDOWN_NAME
    write_json_atomic(json_path, msgspec.to_builtins(answers))
    write_text_atomic(markdown_path, markdown(answers))
    return json_path, markdown_path


def markdown(answers: Sequence[Answered]) -> str:
    """The answers as a Markdown page."""
    lines = [
        "# Answered requests",
        "",
        "Test episodes, on which nothing was trained, posted to the endpoint over HTTP.",
        "",
        "| model | requests | answered | truth known | right | not answered |",
        "|---|---|---|---|---|---|",
        *(
            f"| {one.model} | {one.asked} | {one.answered} | {one.judged} | {one.right} | {silence(one)} |"
            for one in tallies(answers)
        ),
        "",
        *_advice(answers),
        "| substation | episode | point | what happened | model | answered | truth | agrees | version |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for asked in answers:
        for found in asked.comparisons:
            cells = (
                asked.substation,
                asked.scenario_id,
                asked.point,
                happened(asked),
                found.model,
                spoken(found.answered) if found.status == "ok" else f"{found.status}: {found.reason}",
                spoken(found.truth),
                {True: "yes", False: "no", None: "–"}[found.agrees],
                found.model_version,
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _advice(answers: Sequence[Answered]) -> list[str]:
    """What advice leads to, by the solved circuit or grid."""
    lines = [
        f"| {one.model} | {one.advised} | {one.within_limits} | {_worse(one.regret_pct)} | "
        f"{TOLERATED_PCT[one.model]:g} % |"
        for one in tallies(answers)
        if one.advised
    ]
    if not lines:
        return []
    return [
        ADVICE,
        "",
        "| model | advice judged | within limits | worse than the best, mean of these | right up to |",
        "|---|---|---|---|---|",
        *lines,
        "",
    ]


def _worse(regret_pct: float | None) -> str:
    return "–" if regret_pct is None else f"{regret_pct:.3g} %"


def silence(tally: Tally) -> str:
    """Why a model did not answer, and how often."""
    return ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in tally.silent.items())


def happened(asked: Answered) -> str:
    """What truly happened, in a few words."""
    words = asked.event.replace("_", " ") if asked.event != "none" else "normal operation"
    if asked.event_phase:
        words += f" on {asked.event_phase}"
    if asked.severity is not None:
        words += f", {asked.severity:.1f} × error limit"
    if asked.vuf_pct is not None:
        words += f", VUF {asked.vuf_pct:.2f} %"
    return words if asked.thd_pct is None else f"{words}, THD {asked.thd_pct:.2f} %"


def spoken(fields: Mapping[str, Any]) -> str:
    """Fields as `name value, name value`."""
    return ", ".join(f"{name} {_value(value)}" for name, value in fields.items())


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, float):
        # A frequency is told by its third decimal.
        return f"{value:.5g}" if abs(value) >= 10.0 else f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items())
    if isinstance(value, list) and value and all(isinstance(one, float) for one in value):
        return " to ".join(map(_value, value))
    if isinstance(value, list):
        return "+".join(map(_value, value)) or "none"
    return str(value)
