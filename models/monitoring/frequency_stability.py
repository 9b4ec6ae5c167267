"""`frequency_stability`: where the grid's frequency will be in five seconds, from the last ten readings.

The network answers the change of frequency; what is known exactly, the newest reading, is added to it. After
a disturbance the next seconds follow from how fast the frequency falls, which depends on the inertia of the
moment, and from the governors behind their deadband; in quiet minutes there is little to know but that a
movement goes on a while. A linear forecast has to serve both with the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from features.sequence import SEQUENCE_FEATURES, SEQUENCE_NAMES, STEPS
from models import frequency_regimes as regimes
from models import frequency_rivals as rivals
from models import network_graph, networks, observed, observed_frequency
from models.declaration import Bar, Output, Params, Target, Trial
from models.frequency_regimes import BAND_HZ, HORIZON_S, ONSET, QUIET, RECOVERY, ROCOF_HZ_S, STRADDLE, TRENDS
from models.metrics import Columns, accuracy, determination, macro_f1, mean_of
from models.networks import Course, SequenceNet, Widths
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native, TruthWindows
from models.rows import Rows
from models.sequences import HISTORY_NAMES, MEAN
from models.subsets import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from data_contracts.dataset import Dataset
    from models.dataset import Built
    from models.time_splits import TimeSplit

WIDTHS = Widths(first=64, second=32, hidden=16)
UNIT_HZ = 0.005
"""What one unit of the network's answer stands for, everywhere: sites that average networks must agree."""
KEPT = {QUIET: 0.5, RECOVERY: 0.4, ONSET: 1.0, STRADDLE: 1.0}
"""Share of the seconds of each regime that are rows: neighbouring quiet ones tell little that is new."""
FROM_MEAN = f"{SEQUENCE_FEATURES[6].name}.{STEPS - 1}"
UNSIGNED = "seq_spread_hz"
FEWEST_EPISODES = 20
STOPPING_SHARE = 0.1


class FrequencyStability(Definition[SequenceNet]):
    """Two LSTM layers over ten steps of eight features."""

    name = "frequency_stability"
    version = 1
    title = "Frequency five seconds ahead, its trend and how stable it is"
    module = "monitoring"
    algorithm = "LSTM of 64 and 32 units, dropout, dense layers of 16 and 1"
    proof = "forecast"
    library = "keras"
    one_split = True
    tables = ("frequency",)
    source = "sequences"
    kinds = ("frequency",)
    features = (*SEQUENCE_NAMES, MEAN)
    context_features = HISTORY_NAMES
    truth_columns = regimes.TRUTH_COLUMNS
    target = Target("true frequency five seconds after the newest reading, Hz", ("f_true_hz",))
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder", "system")
    minimum_readings = STEPS
    outputs = (
        Output("predicted_frequency", truth="true frequency 5 s ahead, Hz", metric="onset_mae_mhz"),
        Output(
            "stability_score",
            truth="the same formula on the true frequency",
            metric="stability_score_mae",
            formula=(
                f"100 · max(0, 1 − abs(Δf) / {BAND_HZ:g} Hz) · max(0, 1 − abs(change in 5 s) / (5 s · "
                f"{ROCOF_HZ_S:g} Hz/s)), Δf the predicted departure from nominal"
            ),
            magnitude=100.0,
        ),
        Output(
            "trend",
            truth=f"true change in 5 s: stable below {1000 * regimes.TREND_HZ:g} mHz",
            metric="trend_accuracy",
        ),
    )
    metrics = (
        regimes.skill("skill"),
        mean_of("quiet_mae_mhz", QUIET, "absolute_mhz"),
        mean_of("onset_mae_mhz", ONSET, "absolute_mhz"),
        determination("onset_r2", ONSET, "error_hz", "f_ahead_hz"),
        mean_of("recovery_mae_mhz", RECOVERY, "absolute_mhz"),
        mean_of("straddle_mae_mhz", STRADDLE, "absolute_mhz"),
        accuracy("trend_accuracy", len(TRENDS), "trend", "trend"),
        macro_f1("trend_macro_f1", len(TRENDS), "trend", "trend"),
        mean_of("stability_score_mae", "announced", "score_error"),
    )
    headline = "skill"
    opponents = ("persistence", "ridge")
    references = ("ridge_quiet", "ridge_onset")
    bars = (
        Bar("quiet_mae_mhz", beats=("persistence", "tree3"), not_worse=("ridge",)),
        Bar("onset_mae_mhz", beats=("persistence", "ridge", "tree3"), cuts={"ridge": 0.30}),
        Bar("onset_r2", 0.95),
    )
    plain = Plain(
        purpose="Foretells the grid's frequency five seconds ahead, so that a fall is seen before it ends.",
        main="onset_mae_mhz",
        said={
            "onset_mae_mhz": Said("mean error five seconds ahead while an event unfolds", "mHz", 1.0),
            "quiet_mae_mhz": Said("mean error five seconds ahead in quiet operation", "mHz", 1.0),
            "onset_r2": Said("of the movement while an event unfolds is explained"),
        },
        rivals={"persistence": "the frequency staying as it is", "ridge": "a straight-line fit (ridge)"},
    )
    family = "fedavg"
    claim = "approximate"
    defaults: ClassVar[Params] = {
        "learning_rate": 4e-3,
        "batch": 512,
        "epochs": 8,
        "dropout": 0.2,
        "onset_weight": 2.0,
    }
    limits = (
        "Ten readings one second apart, none missing. Nothing in them tells of an event that has not begun: "
        "seconds with an onset or a load shedding ahead, or inside the newest second, are reported apart "
        "(straddle) and are no training rows. Figures count half of the quiet seconds and two in five later "
        "than 30 s after an event. Made for systems of 50 Hz whose frequency moves as the simulated "
        "ones do; `switchyard evaluate frequency_stability --data` tells how it does on a recording."
    )

    def label(self, windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
        """Frequency at the horizon, the change to it, the regime of the second."""
        return regimes.label(windows)

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Seconds of an ingested table `frequency`; none of them is known to follow an event."""
        observed.check(self, dataset, {"frequency": ("f_hz",)})
        return observed_frequency.build(dataset, self, split)

    def chosen(self, rows: Rows, rng: np.random.Generator) -> NDArray[np.bool_]:
        """All seconds about an onset, two in five later after it, half of the quiet ones."""
        share = sum(KEPT[name] * np.asarray(rows.truth[name], dtype=np.float64) for name in regimes.REGIMES)
        return np.asarray(rng.random(len(rows)) < share, dtype=bool)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Step size, batch, epochs, dropout, and how much a second after an onset weighs."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 2e-3, 8e-3, log=True),
            "batch": trial.suggest_categorical("batch", (256, 512)),
            "epochs": trial.suggest_int("epochs", 6, 10),
            "dropout": trial.suggest_float("dropout", 0.05, 0.3),
            "onset_weight": trial.suggest_float("onset_weight", 1.0, 4.0, log=True),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few seconds of every episode, more of those after an onset."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> SequenceNet:
        """Train the network; each row also upside down, since a fall and a rise obey the same equations.

        The best epoch is chosen on a tenth of the episodes, where there are enough of them.
        """
        known = train.select(np.asarray(train.truth["announced"], dtype=bool))
        X = known.inputs(SEQUENCE_NAMES)
        y = np.asarray(known.truth["change_hz"], dtype=np.float64) / UNIT_HZ
        weight = np.where(known.truth[ONSET], float(params["onset_weight"]), 1.0)
        judges = _stopping_rows(known, seed)
        both = np.concatenate([X[~judges], X[~judges] * _mirror()])
        mean, scale = networks.moments(both, STEPS)
        net = SequenceNet(networks.initial(WIDTHS, len(SEQUENCE_FEATURES), seed), mean, scale, UNIT_HZ, STEPS)

        def single(values: NDArray[np.float64]) -> NDArray[np.float32]:
            return values.astype(np.float32)

        weights, losses = networks.train(
            net.weights,
            single(net.scaled(both)),
            single(np.concatenate([y[~judges], -y[~judges]])),
            Course(
                epochs=int(params["epochs"]),
                batch=int(params["batch"]),
                learning_rate=float(params["learning_rate"]),
                dropout=float(params["dropout"]),
            ),
            seed,
            importance=single(np.tile(weight[~judges], 2)),
            validation=(
                (single(net.scaled(X[judges])), single(y[judges]), single(weight[judges]))
                if judges.any()
                else None
            ),
        )
        return replace(net, weights=weights, losses=tuple(losses))

    def calibrate(self, fitted: SequenceNet, validation: Rows) -> SequenceNet:
        """Nothing is set on validation rows."""
        del validation
        return fitted

    def score(self, fitted: SequenceNet, rows: Rows) -> float:
        """Mean skill over persistence, quiet and after an onset."""
        return self.metric("skill").of(self.answer(fitted, rows), rows)

    def answer(self, fitted: SequenceNet, rows: Rows) -> Columns:
        """Errors, trend and score by the fitted network in double precision."""
        return self._columns(rows, fitted.predict(rows.inputs(SEQUENCE_NAMES)))

    def _columns(self, rows: Rows, change_hz: NDArray[np.float64]) -> Columns:
        return regimes.answer(rows, change_hz, rows.column(rivals.NEWEST))

    def served(self, decoder: Mapping[str, Any], raw: NDArray[np.float64], rows: Rows) -> Columns:
        """Errors, trend and score of a compiled version."""
        del decoder
        return self._columns(rows, raw[:, 0])

    def raw(self, fitted: SequenceNet, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predicted change by Keras itself, Hz, float64 [n, 1]."""
        from models import keras_training

        answers = keras_training.predict(fitted.weights, fitted.scaled(X[:, : len(SEQUENCE_NAMES)]))
        return fitted.unit * answers[:, None]

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Persistence, or ridge autoregression on ten minutes.

        `ridge` is fitted on every row that a forecast can know, `ridge_quiet` and `ridge_onset` on the rows
        of one regime: the best that can be had of it there, had one known the regime beforehand.
        """
        if name == "persistence":
            return self._columns(rows, np.zeros(len(rows)))
        counted = {"ridge": "announced", "ridge_quiet": QUIET, "ridge_onset": ONSET}[name]
        return self._columns(rows, rivals.ridge_change(rivals.fit_ridge(train, validation, counted), rows))

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same inputs in a tree of depth 3."""
        del validation
        return self._columns(rows, rivals.tree3_change(train, rows))

    def compile(self, fitted: SequenceNet) -> Compiled:
        """The network as one graph."""
        onnx = network_graph.sequence_graph(self.name, fitted, len(self.features), "change_hz")
        decoder = {
            "mean_feature": MEAN,
            "from_mean_feature": FROM_MEAN,
            "deviation_feature": rivals.NEWEST,
            "trends": list(TRENDS),
            "trend_hz": regimes.TREND_HZ,
            "horizon_s": HORIZON_S,
            "band_hz": BAND_HZ,
            "rocof_hz_s": ROCOF_HZ_S,
        }
        return Compiled(onnx, ("change_hz",), decoder)

    def decode(
        self, decoder: Mapping[str, Any], raw: NDArray[np.float64], columns: Mapping[str, NDArray[np.float64]]
    ) -> list[dict[str, Any]]:
        """The newest reading and its change, the score and the trend."""
        change = raw[:, 0]
        newest = columns[decoder["mean_feature"]] + columns[decoder["from_mean_feature"]]
        score = regimes.stability_score(columns[decoder["deviation_feature"]] + change, change)
        return [
            {
                "predicted_frequency": float(f),
                "stability_score": float(points),
                "trend": decoder["trends"][int(code)],
            }
            for f, points, code in zip(newest + change, score, regimes.trend_of(change), strict=True)
        ]

    def native(self, fitted: SequenceNet, example: Rows) -> Native | None:
        """The Keras model; its input is scaled steps."""
        from models import keras_training

        return Native(
            keras_training.loaded(fitted.weights, STEPS),
            fitted.scaled(example.inputs(SEQUENCE_NAMES)),
            flavour="keras",
            parameters={
                "mean": fitted.mean.tolist(),
                "scale": fitted.scale.tolist(),
                "unit_hz": fitted.unit,
                "features": list(SEQUENCE_NAMES),
            },
        )

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """Each feature of a step in all steps at once: one step's values nearly repeat the next one's."""
        return {
            feature.name: tuple(f"{feature.name}.{step}" for step in range(STEPS))
            for feature in SEQUENCE_FEATURES
        }

    def fit_figures(self, fitted: SequenceNet) -> Iterator[tuple[str, Figure]]:
        """Course of the loss."""
        from models import frequency_figures

        yield "loss", frequency_figures.loss(fitted.losses)

    def figures(self, answers: Any) -> Iterator[tuple[str, Figure]]:
        """Error by the time since an onset, and by what was foreseen."""
        from models import frequency_figures

        if np.any(answers.rows.truth[ONSET]):
            yield "error_after_onset", frequency_figures.after_onset(answers)
            yield "onset_scatter", frequency_figures.scatter(answers)


def _mirror() -> NDArray[np.float64]:
    """Sign of every column under a change of the deviations' sign, [80]."""
    step = [1.0 if feature.name == UNSIGNED else -1.0 for feature in SEQUENCE_FEATURES]
    return np.tile(step, STEPS)


def _stopping_rows(rows: Rows, seed: int) -> NDArray[np.bool_]:
    """Rows of a tenth of the episodes, bool [n]; none where there are few episodes."""
    present = np.unique(rows.episode.codes)
    if present.size < FEWEST_EPISODES:
        return np.zeros(len(rows), dtype=bool)
    drawn = np.random.default_rng(seed).permutation(present)[: int(STOPPING_SHARE * present.size)]
    return np.isin(rows.episode.codes, drawn)


DEFINITION = FrequencyStability()
