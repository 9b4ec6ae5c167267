"""How a detector of anomalies is judged: by kind of event, by severity, at a fixed rate of false alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.readings_truth import NORMAL_EVENTS, OPERATING_EVENTS
from models import decision_tree, whitening
from models.metrics import Columns, Metric, ratio
from models.protocol import TruthWindows
from models.rows import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("sag", "swell", "unbalance", "drift", "stuck", "spike", "dead", "swapped")
# Which kind of the report each event of the truth belongs to.
KIND_OF_EVENT: Mapping[str, str] = {
    "sag": "sag",
    "interruption": "sag",
    "swell": "swell",
    "unbalance": "unbalance",
    "open_conductor": "unbalance",
    "single_phasing": "unbalance",
    "traction": "unbalance",
    "capacitor_fuse": "unbalance",
    "vt_fuse": "dead",
    "drift": "drift",
    "stuck": "stuck",
    "spike": "spike",
    "dead": "dead",
    "swapped": "swapped",
}
# Severities in multiples of the instrument's error limit; the bars hold above BAR_SEVERITY.
BIN_EDGES = (1.0, 2.0, 5.0, 10.0, 20.0)
BINS = ("below_1", "1_to_2", "2_to_5", "5_to_10", "10_to_20", "above_20")
# An event that moves a reading by less than the instrument may err is neither to be found nor normal.
BAR_SEVERITY, LEAST_SEVERITY = 5.0, 1.0
MEAN_RECALL = "mean_recall"
# Share of anomalies at which accuracy is stated beside the other figures.
STATED_SHARE = 0.1

_BALANCE = frozenset(
    {"v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu", "vuf_line_pct", "v0_phasor_pct", "v_line_phase_residual_pu"}
)
_MOVEMENT = frozenset({"v_std_pu", "v_step_common_pu", "v_step_diff_pu", "v_std_ratio_log", "v_stuck_log"})
# In which features an event of each kind shows itself, by its physics.
SHOWS_IN: Mapping[str, frozenset[str]] = {
    "sag": frozenset({"v_mean_pu", "v_min_dip_pu", "v_max_rise_pu", "v_spike_pu", "v_drift_pu"})
    | _MOVEMENT
    | _BALANCE,
    "swell": frozenset({"v_mean_pu", "v_min_dip_pu", "v_max_rise_pu", "v_spike_pu", "v_drift_pu"})
    | _MOVEMENT
    | _BALANCE,
    "unbalance": _BALANCE | {"v_step_diff_pu", "v_drift_pu"},
    "drift": _BALANCE | {"v_drift_pu", "v_std_ratio_log", "v_step_diff_pu"},
    "stuck": frozenset({"v_stuck_log", "v_std_ratio_log"}) | _BALANCE,
    "spike": frozenset({"v_spike_pu", "v_step_diff_pu", "v_std_ratio_log", "v_drift_pu", "v_min_dip_pu"})
    | _BALANCE,
    "dead": _BALANCE | {"v_mean_pu", "v_stuck_log", "v_std_ratio_log", "v_step_diff_pu"},
    "swapped": _BALANCE | {"v_step_diff_pu", "v_drift_pu", "v_std_ratio_log"},
}


def recall_name(kind: str) -> str:
    """Name of the metric that the bar of `kind` is about."""
    return f"recall_{kind}_above_5x"


def label(windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
    """Anomaly, its kind (0 none, then the order of KINDS) and its severity (0 where none), each [n]."""
    texts, harmless = windows.texts["event"].texts, (*NORMAL_EVENTS, *OPERATING_EVENTS)
    kind_of_text = np.asarray(
        [0 if text in harmless else 1 + KINDS.index(KIND_OF_EVENT[text]) for text in texts],
        dtype=np.int64,
    )
    acts = windows.values["active"] > 0
    kind = np.where(acts, kind_of_text[windows.codes("event")], 0)
    severity = np.where(kind > 0, np.nan_to_num(windows.values["severity"]), 0.0)
    return {
        "anomaly": (kind > 0).any(axis=1),
        "kind": kind.max(axis=1),
        "severity": severity.max(axis=1),
    }


def to_be_found(rows: Rows) -> NDArray[np.bool_]:
    """Windows with an anomaly from the least severity on, bool [n]."""
    return np.asarray(rows.truth["severity"], dtype=np.float64) >= LEAST_SEVERITY


def _by_kind(answer: Columns, rows: Rows) -> NDArray[np.float64]:
    """Anomalies from the least severity on and those detected, by kind; [n, 2 · kinds]."""
    kind = np.asarray(rows.truth["kind"], dtype=np.int64)
    terms = np.zeros((kind.size, 2, len(KINDS)))
    at = np.flatnonzero(to_be_found(rows))
    terms[at, 0, kind[at] - 1] = 1.0
    terms[at, 1, kind[at] - 1] = np.asarray(answer["detected"], dtype=bool)[at]
    return terms.reshape(kind.size, -1)


def _recalls(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recall by kind from summed terms, NaN for a kind that does not occur; [..., kinds]."""
    parts = sums.reshape(*sums.shape[:-1], 2, len(KINDS))
    return ratio(np.moveaxis(parts, -2, -1))


def _mean_recall(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    recalls = _recalls(sums)
    known = np.isfinite(recalls)
    count = known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, np.where(known, recalls, 0.0).sum(axis=-1) / count, np.nan)


def _recall_metric(name: str, kind: str, low: float, high: float, *, detail: bool = False) -> Metric:
    code = 1 + KINDS.index(kind)

    def sums(answer: Columns, rows: Rows) -> NDArray[np.float64]:
        severity = np.asarray(rows.truth["severity"], dtype=np.float64)
        counted = (np.asarray(rows.truth["kind"]) == code) & (severity > low) & (severity <= high)
        return np.stack([counted, counted & np.asarray(answer["detected"], dtype=bool)], axis=1).astype(float)

    return Metric(name, "higher", sums, ratio, ("detected",), detail)


def _verdicts(answer: Columns, rows: Rows) -> NDArray[np.float64]:
    """Normal rows, alarms on them, rows to be found, alarms on them; [n, 4]."""
    normal = ~np.asarray(rows.truth["anomaly"], dtype=bool)
    wanted = to_be_found(rows)
    detected = np.asarray(answer["detected"], dtype=bool)
    return np.stack([normal, normal & detected, wanted, wanted & detected], axis=1).astype(np.float64)


def _named(answer: Columns, rows: Rows) -> NDArray[np.float64]:
    """Detected anomalies, and those of them for which a telling feature is named; [n, 2]."""
    found = to_be_found(rows) & np.asarray(answer["detected"], dtype=bool)
    return np.stack([found, found & np.asarray(answer["named_right"], dtype=bool)], axis=1).astype(np.float64)


def _stated_accuracy(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    right = 1.0 - ratio(sums[..., :2])
    return (1.0 - STATED_SHARE) * right + STATED_SHARE * ratio(sums[..., 2:])


def _edges() -> Iterator[tuple[str, float, float]]:
    edges = (0.0, *BIN_EDGES, np.inf)
    yield from zip(BINS, edges[:-1], edges[1:], strict=True)


METRICS: tuple[Metric, ...] = (
    *(_recall_metric(recall_name(kind), kind, BAR_SEVERITY, np.inf) for kind in KINDS),
    Metric(MEAN_RECALL, "higher", _by_kind, _mean_recall, ("detected",)),
    Metric("false_alarm_rate", "lower", _verdicts, lambda sums: ratio(sums[..., :2]), ("detected",)),
    Metric("recall", "higher", _verdicts, lambda sums: ratio(sums[..., 2:]), ("detected",)),
    Metric("accuracy_at_10pct_anomalies", "higher", _verdicts, _stated_accuracy, ("detected",)),
    Metric("outlier_feature_hit", "higher", _named, ratio, ("detected", "named_right")),
    *(
        _recall_metric(f"recall_{kind}_{name}", kind, low, high, detail=True)
        for kind in KINDS
        for name, low, high in _edges()
    ),
)


def tuning_score(answer: Columns, rows: Rows) -> float:
    """Half the mean recall over kinds and half the least recall of a kind above the bar's severity.

    0 where no kind of anomaly occurs.
    """
    terms = _by_kind(answer, rows)
    severe = np.asarray(rows.truth["severity"]) > BAR_SEVERITY
    mean, least = _mean_recall(terms.sum(axis=0)), _recalls(terms[severe].sum(axis=0))
    parts = [float(mean), float(np.min(least[np.isfinite(least)], initial=1.0))]
    return 0.5 * sum(parts) if np.isfinite(parts[0]) else 0.0


def named(z: NDArray[np.float64], limit: float, most: int) -> NDArray[np.int64]:
    """Columns with |z| above `limit`, largest first, at most `most` of them; int64 [n, most], −1 for none."""
    size = np.abs(z)
    order = np.argsort(-size, axis=1, kind="stable")[:, :most]
    far = np.take_along_axis(size, order, axis=1) > limit
    return np.where(far, order, -1)


def named_right(places: NDArray[np.int64], names: Sequence[str], rows: Rows) -> NDArray[np.bool_]:
    """Whether a named feature is one in which the window's kind of event shows itself, bool [n]."""
    tells = np.zeros((len(KINDS) + 1, len(names) + 1), dtype=bool)
    for code, kind in enumerate(KINDS, start=1):
        tells[code, : len(names)] = [name in SHOWS_IN[kind] for name in names]
    kind_of_row = np.asarray(rows.truth["kind"], dtype=np.int64)
    # Place −1 (nothing named) reads the last column, which tells nothing.
    return np.asarray(tells[kind_of_row[:, None], places].any(axis=1))


Measure = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def largest_z(normal: NDArray[np.float64], exponent: NDArray[np.float64]) -> Measure:
    """Largest |z| over the inputs as they are, each standardised on normal rows."""
    fitted = whitening.fit(normal, np.zeros(exponent.size + 1), 0.0)
    return lambda X: np.abs(fitted.z(X)).max(axis=1)


def mahalanobis(normal: NDArray[np.float64], exponent: NDArray[np.float64]) -> Measure:
    """Mahalanobis distance of the inputs as they are from normal rows."""
    fitted = whitening.fit(normal, np.zeros(exponent.size + 1), 0.0)
    return lambda X: np.sqrt((fitted.transform(X) ** 2).sum(axis=1))


def mahalanobis_of_shaped(normal: NDArray[np.float64], exponent: NDArray[np.float64]) -> Measure:
    """Mahalanobis distance of the columns that the forest itself is given: what the forest adds to them."""
    centre, scale = normal[:, -1].mean(), normal[:, -1].std()
    fitted = whitening.fit(normal[:, :-1], exponent, 0.0)

    def measure(X: NDArray[np.float64]) -> NDArray[np.float64]:
        level = (X[:, -1] - centre) / scale
        distance: NDArray[np.float64] = np.sqrt((fitted.transform(X[:, :-1]) ** 2).sum(axis=1) + level**2)
        return distance

    return measure


MEASURES = {
    "largest_z": largest_z,
    "mahalanobis": mahalanobis,
    "mahalanobis_of_shaped": mahalanobis_of_shaped,
}


def supervised_tree(
    names: Sequence[str], train: Rows, validation: Rows, rows: Rows, false_alarms: float
) -> Columns:
    """A depth-3 tree on labelled rows; its share of anomalies is cut at the given rate of false alarms."""
    from models.anomalies import quantile_threshold

    code = np.asarray(train.truth["anomaly"], dtype=np.int64)
    shallow = decision_tree.fit(train.inputs(names), code, 2, 0, max_depth=3)
    quiet = validation.select(~np.asarray(validation.truth["anomaly"], dtype=bool))
    normal = shallow.probabilities(quiet.inputs(names))[:, 0]
    score = shallow.probabilities(rows.inputs(names))[:, 0]
    return {"detected": score < quantile_threshold(normal, false_alarms), "score": score}


def figures(answers: Any) -> Iterator[tuple[str, Figure]]:
    """Recall by kind and severity."""
    from models import plots
    from models.evaluation import MODEL

    truth, detected = answers.rows.truth, np.asarray(answers.by[MODEL]["detected"], dtype=np.float64)
    place = np.searchsorted(BIN_EDGES, np.asarray(truth["severity"]), side="left")
    found = np.full((len(KINDS), len(BINS)), np.nan)
    for row in range(len(KINDS)):
        for column in range(len(BINS)):
            here = (truth["kind"] == row + 1) & (place == column)
            if here.any():
                found[row, column] = detected[here].mean()
    yield "recall_by_kind_and_severity", plots.heat(KINDS, BINS, found, "Recall by kind and severity")
