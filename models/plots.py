"""Plots of one version for its MLflow run, drawn without a display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.declaration import Shown
from models.evaluation import MODEL, Answers
from models.metrics import Columns
from models.protocol import Definition
from models.rows import Rows
from models.tuning import Tuned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (6.0, 4.2)
IMPORTANCE_ROWS = 4000
LEARNING_SHARES = (0.05, 0.2)
JUDGED_ROWS = 10_000
RELIABILITY_BINS = 10
RESIDUALS = 3000
BAR_INCHES = 0.19


def figure() -> tuple[Figure, Axes]:
    """A figure with one pair of axes on the Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Empty

    made = Empty(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(made)
    return made, made.add_subplot()


def save_all(figures: Iterator[tuple[str, Figure]], folder: Path) -> list[Path]:
    """Write each figure as PNG into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, made in figures:
        path = folder / f"{name}.png"
        made.savefig(path, dpi=90)
        written.append(path)
    return written


def confusion_matrix(classes: Sequence[str], truth: NDArray[Any], answered: NDArray[Any]) -> Figure:
    """Shares of each true class by the class answered, with counts."""
    made, axes = figure()
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (truth.astype(np.int64), answered.astype(np.int64)), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(classes)):
        for column in range(len(classes)):
            dark = share[row, column] > 0.5
            axes.text(
                column,
                row,
                f"{int(counts[row, column]):,}",
                ha="center",
                va="center",
                color="white" if dark else "black",
            )
    axes.set_xticks(range(len(classes)), classes, rotation=20)
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="answered", ylabel="true", title="Confusion matrix")
    return made


def reliability(confidence: NDArray[Any], right: NDArray[Any]) -> Figure:
    """Share of right answers by stated confidence."""
    made, axes = figure()
    at = np.minimum((confidence * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    count = np.bincount(at, minlength=RELIABILITY_BINS)
    used = count > 0
    stated = np.bincount(at, weights=confidence, minlength=RELIABILITY_BINS)[used] / count[used]
    found = np.bincount(at, weights=right, minlength=RELIABILITY_BINS)[used] / count[used]
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.plot(stated, found, marker="o")
    axes.set(xlabel="confidence", ylabel="share right", title="Reliability", xlim=(0, 1), ylim=(0, 1))
    return made


def calibration(chance: NDArray[Any], happened: NDArray[Any], weight: NDArray[Any]) -> Figure:
    """Share that happened by stated chance, in groups of the same weight."""
    made, axes = figure()
    order = np.argsort(chance, kind="stable")
    group = np.minimum(
        (np.cumsum(weight[order]) / weight.sum() * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1
    )
    count = np.bincount(group, weights=weight[order], minlength=RELIABILITY_BINS)
    used = count > 0
    stated, found = (
        np.bincount(group, weights=values[order] * weight[order], minlength=RELIABILITY_BINS)[used]
        / count[used]
        for values in (chance, happened.astype(np.float64))
    )
    most = 1.05 * max(float(stated.max()), float(found.max()), 1e-6)
    axes.plot([0, most], [0, most], color="grey", linestyle=":")
    axes.plot(stated, found, marker="o")
    axes.set(
        xlabel="stated chance", ylabel="share that happened", title="Reliability",
        xlim=(0, most), ylim=(0, most),
    )  # fmt: skip
    return made


def residuals(estimate: NDArray[Any], truth: NDArray[Any], what: str, unit: str) -> Figure:
    """Estimate less truth by the estimate: some of the rows, the middle and 90 % of each tenth of them."""
    made, axes = figure()
    error = estimate - truth
    order = np.argsort(estimate, kind="stable")
    some = order[:: max(order.size // RESIDUALS, 1)]
    axes.scatter(estimate[some], error[some], s=4, alpha=0.35, linewidths=0)
    tenths = [tenth for tenth in np.array_split(order, RELIABILITY_BINS) if tenth.size]
    middle = [np.median(estimate[tenth]) for tenth in tenths]
    for share, style in ((0.05, ":"), (0.5, "-"), (0.95, ":")):
        axes.plot(
            middle, [np.quantile(error[tenth], share) for tenth in tenths], color="black", linestyle=style
        )
    axes.axhline(0.0, color="grey", linewidth=0.8)
    # A few rows far out do not hide what happens to the others.
    least, most = np.quantile(error, [0.005, 0.995])
    margin = 0.1 * max(float(most - least), 1e-9)
    axes.set(
        xlabel=f"estimated {what}{f', {unit}' if unit else ''}", ylabel="estimate less truth",
        title=f"Residuals of {what}", ylim=(least - margin, most + margin),
    )  # fmt: skip
    return made


def curves(
    score: NDArray[Any], positive: NDArray[Any], weight: NDArray[Any] | None = None
) -> Iterator[tuple[str, Figure]]:
    """ROC and precision–recall of a score whose low values mean positive."""
    order = np.argsort(score, kind="stable")
    each = np.ones(score.size) if weight is None else weight[order]
    hit = positive[order].astype(np.float64)
    found, false = np.cumsum(each * hit), np.cumsum(each * (1 - hit))
    recall, alarm = found / max(found[-1], 1), false / max(false[-1], 1)
    made, axes = figure()
    axes.semilogx(np.maximum(alarm, 1e-4), recall)
    axes.axvline(0.01, color="grey", linestyle=":")
    axes.set(xlabel="false-alarm rate", ylabel="recall", title=f"ROC, area {np.trapezoid(recall, alarm):.4f}")
    yield "roc", made
    made, axes = figure()
    axes.plot(recall, found / np.maximum(found + false, 1e-12))
    axes.axhline(
        found[-1] / max(found[-1] + false[-1], 1e-12), color="grey", linestyle=":", label="by chance"
    )
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, None))
    axes.legend()
    yield "precision_recall", made


def bars(names: Sequence[str], values: Sequence[float], title: str, label: str) -> Figure:
    """Horizontal bars, largest on top."""
    made, axes = figure()
    made.set_size_inches(SIZE[0], max(SIZE[1], BAR_INCHES * len(names) + 1.0))
    order = np.argsort(values)
    axes.barh([names[at] for at in order], [values[at] for at in order])
    axes.set(xlabel=label, title=title)
    return made


def heat(rows: Sequence[str], columns: Sequence[str], values: NDArray[np.float64], title: str) -> Figure:
    """Shares by two categories; cells without data are left white."""
    made, axes = figure()
    axes.imshow(np.ma.masked_invalid(values), cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for row in range(len(rows)):
        for column in range(len(columns)):
            if np.isfinite(values[row, column]):
                axes.text(column, row, f"{values[row, column]:.2f}", ha="center", va="center", color="white")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(title=title)
    return made


def importance(
    definition: Definition[Any], fitted: Any, rows: Rows, rng: np.random.Generator
) -> Mapping[str, float]:
    """Fall of the tuning score when a feature, or those that belong together, are shuffled (Breiman 2001)."""
    some = rows.select(np.sort(rng.permutation(len(rows))[:IMPORTANCE_ROWS]))
    base = definition.score(fitted, some)
    fall = {}
    for name, together in definition.shuffled().items():
        X = some.X.copy()
        at = np.array([some.columns.index(one) for one in together])
        # What is missing stays missing: only rows that have the features exchange them.
        known = np.flatnonzero(np.isfinite(X[:, at]).all(axis=1))
        X[known[:, None], at] = X[rng.permutation(known)[:, None], at]
        fall[name] = base - definition.score(fitted, replace(some, X=X))
    return fall


def study_figures(tuned: Tuned) -> Iterator[tuple[str, Figure]]:
    """Course of the search, and which parameters mattered."""
    import optuna
    from matplotlib.ticker import MaxNLocator

    made, axes = figure()
    values = [trial.value for trial in tuned.trials]
    axes.plot(values, marker=".", linestyle="", label="trial")
    axes.plot(np.maximum.accumulate(values), label="best so far")
    axes.set(xlabel="trial", ylabel="cross-validated score", title="Search")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    yield "optuna_history", made
    if len(tuned.trials) >= 4 and len(set(values)) > 1:
        found = optuna.importance.get_param_importances(
            tuned.study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
        yield (
            "optuna_parameter_importance",
            bars(list(found), list(found.values()), "Importance of parameters", "share"),
        )


def learning_curve(
    definition: Definition[Any],
    fit: Callable[[Rows], Any],
    train: Rows,
    validation: Rows,
    rng: np.random.Generator,
    *,
    whole: Any,
) -> Figure:
    """Score on validation rows by the share of training episodes that was used; `whole` has used all."""
    made, axes = figure()
    judged = validation.select(np.sort(rng.permutation(len(validation))[:JUDGED_ROWS]))
    present = rng.permutation(np.unique(train.episode.codes))
    sizes, scores = [], []
    for share in LEARNING_SHARES:
        chosen = present[: max(int(share * present.size), 1)]
        some = train.select(np.isin(train.episode.codes, chosen))
        sizes.append(len(some))
        scores.append(definition.score(fit(some), judged))
    sizes.append(len(train))
    scores.append(definition.score(whole, judged))
    axes.semilogx(sizes, scores, marker="o")
    axes.set(xlabel="training rows", ylabel="score on validation", title="Learning curve")
    return made


def answer_figures(definition: Definition[Any], answers: Answers) -> Iterator[tuple[str, Figure]]:
    """What the answer's columns allow: classes, confidences, scores."""
    answer, truth = answers.by[MODEL], answers.rows.truth
    if "code" in answer and definition.target.classes:
        counted = _counted(definition.class_among, answers.rows)
        yield (
            "confusion",
            confusion_matrix(definition.target.classes, truth["code"][counted], answer["code"][counted]),
        )
        if "confidence" in answer:
            right = (answer["code"] == truth["code"]).astype(np.float64)
            yield "reliability", reliability(answer["confidence"], right)
    if "detected" in answer and "anomaly" in truth:
        classes = definition.target.classes
        yield "confusion", confusion_matrix(classes, truth["anomaly"], answer["detected"])
    if "score" in answer and "anomaly" in truth:
        yield from curves(np.asarray(answer["score"]), np.asarray(truth["anomaly"]))
    for shown in definition.shown:
        yield from shown_figures(shown, answer, answers.rows)


def shown_figures(shown: Shown, answer: Columns, rows: Rows) -> Iterator[tuple[str, Figure]]:
    """One column of the answer beside what came true, over the rows that count."""
    counted = _counted(shown.among, rows)
    if not counted.any():
        return
    estimate = np.asarray(answer[shown.estimate], dtype=np.float64)[counted]
    truth = np.asarray(rows.truth[shown.truth])[counted]
    if shown.kind == "value":
        what = shown.estimate.replace("_", " ")
        yield (
            f"residuals_{shown.estimate}",
            residuals(estimate, truth.astype(np.float64), what, shown.unit),
        )
        return
    weight = np.ones(estimate.size)
    if shown.weight:
        weight = np.asarray(rows.truth[shown.weight], dtype=np.float64)[counted]
    yield from curves(-estimate, truth, weight)
    yield "reliability", calibration(estimate, truth, weight)


def _counted(column: str, rows: Rows) -> NDArray[np.bool_]:
    """Rows in which a truth column holds; all of them without one."""
    return np.asarray(rows.truth[column], dtype=bool) if column else np.ones(len(rows), dtype=bool)
