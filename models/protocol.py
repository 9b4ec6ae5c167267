"""What every model declares, and what the rest of the room may therefore ask of any of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.declaration import (
    Bar,
    Claim,
    Flavour,
    Library,
    Output,
    Params,
    Proof,
    Shown,
    Source,
    Target,
    Trial,
)
from models.metrics import Columns, Metric
from models.plain import Plain
from models.rows import Names, Rows

if TYPE_CHECKING:
    from datetime import date

    from matplotlib.figure import Figure

    from data_contracts.dataset import Dataset
    from models.dataset import Built
    from models.evaluation import Answers
    from models.time_splits import TimeSplit

FittedT = TypeVar("FittedT")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A fitted model as it is served.

    Attributes:
        onnx: Serialised ONNX model.
        outputs: Names of its outputs.
        input_dtype: Type of its one input `features` [n, columns].
        decoder: JSON-able parameters by which the outputs become an answer.
    """

    onnx: bytes
    outputs: tuple[str, ...]
    decoder: Mapping[str, Any]
    input_dtype: Literal["float64", "float32"] = "float64"


@dataclass(frozen=True, slots=True)
class TruthWindows:
    """True state over the seconds of n windows.

    Attributes:
        values: Numeric truth by column, float64 [n, WINDOW].
        texts: Textual truth by column: codes [n·WINDOW] of a `Names`, reshaped by the reader.
        width: Seconds of a window.
        captures: Truth of the window's capture by column, float64 [n], or [n, orders] for a list.
    """

    values: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, Names]
    width: int
    captures: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def means(self, *names: str) -> NDArray[np.float64]:
        """Means over the window of the named columns, float64 [n, names]."""
        return np.stack([self.values[name].mean(axis=1) for name in names], axis=1)

    def codes(self, column: str) -> NDArray[np.int64]:
        """Codes of a textual column, int64 [n, width]."""
        return self.texts[column].codes.reshape(-1, self.width)


@dataclass(frozen=True, slots=True)
class Native:
    """The fitted estimator in its own library, and how MLflow is to keep it.

    Attributes:
        estimator: A scikit-learn estimator, a Keras model, or an XGBoost one with scikit-learn's methods.
        example: Rows of the estimator's own input for the signature, float64 [k, columns], or [k, steps,
            columns] of a network.
        trusted: Types that skops must be told to trust when it is loaded.
        parameters: What else the estimator needs to answer as the model does, JSON-able.
        flavour: MLflow's form of it.
    """

    estimator: Any
    example: NDArray[np.float64]
    trusted: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    flavour: Flavour = "sklearn"


class Definition(ABC, Generic[FittedT]):
    """Declaration of one model. Subclasses set the attributes and fill in the methods.

    Attributes:
        name: Registered name.
        version: Declaration version; raised when inputs, outputs or meaning change.
        title: One line for people.
        module: monitoring, maintenance, energy or decision.
        algorithm: In words.
        variant: Name of the algorithm where the model has another one beside; empty for its first.
        proof: `forecast` (beats opponent and depth-3 tree) or `estimator` (comes near the oracle).
        library: Library whose models are all trained in one process; empty where none asks for that.
        one_split: Whether tuning judges on one split of the episodes, where a fit takes long.
        tables: Tables that training reads.
        source: What a row is: a window of readings at a point, a sequence of the system's frequency, or what
            the definition's own `rows` makes of a table.
        kinds: Scenario kinds that training reads; empty for all.
        features: Catalogue features in the order of the compiled graph's input; the decoder reads no others.
        optional: Features that may be missing (NaN): the model answers without them.
        one_of: Optional features of which at least one must be there; empty where none must.
        context_features: Catalogue features that an opponent reads besides; serving does not need them.
        truth_columns: Columns of `readings_truth` that `label` reads, numeric.
        truth_texts: Columns of `readings_truth` that `label` reads, textual.
        truth_captures: Columns of `waveforms_truth` that `label` reads; only windows with a capture are rows
            then.
        target: What is predicted.
        point_kinds: Kinds of measurement point at which the model applies.
        minimum_readings: Readings below which serving abstains.
        outputs: The answer's fields.
        metrics: Computed wherever their answer columns are known.
        headline: Metric that tuning raises or lowers and that a comparison looks at first.
        opponents: What an engineer would use instead, by name.
        references: Further estimators that are reported beside the model but need not be beaten.
        oracle: What the simulator's own state would answer; empty where there is none.
        bars: What must be reached.
        family: Federation family.
        claim: What aggregation promises against pooled rows.
        defaults: Parameters of trial 0.
        limits: Where the model must not be trusted, for its card.
        plain: What it is for and how good it is, in words for a manager.
        shown: Columns of the answer that every version's run draws beside what came true.
        class_among: Column of the truth that says in which rows the class is defined; empty for all.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    title: ClassVar[str]
    module: ClassVar[str]
    algorithm: ClassVar[str]
    variant: ClassVar[str] = ""
    proof: ClassVar[Proof]
    library: ClassVar[Library] = ""
    one_split: ClassVar[bool] = False
    tables: ClassVar[tuple[str, ...]]
    source: ClassVar[Source] = "windows"
    kinds: ClassVar[tuple[str, ...]] = ()
    features: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    one_of: ClassVar[tuple[str, ...]] = ()
    context_features: ClassVar[tuple[str, ...]] = ()
    truth_columns: ClassVar[tuple[str, ...]]
    truth_texts: ClassVar[tuple[str, ...]] = ()
    truth_captures: ClassVar[tuple[str, ...]] = ()
    target: ClassVar[Target]
    point_kinds: ClassVar[tuple[str, ...]]
    minimum_readings: ClassVar[int]
    outputs: ClassVar[tuple[Output, ...]]
    metrics: ClassVar[tuple[Metric, ...]]
    headline: ClassVar[str]
    opponents: ClassVar[tuple[str, ...]]
    references: ClassVar[tuple[str, ...]] = ()
    oracle: ClassVar[str] = ""
    bars: ClassVar[tuple[Bar, ...]]
    family: ClassVar[str]
    claim: ClassVar[Claim]
    defaults: ClassVar[Params]
    limits: ClassVar[str]
    plain: ClassVar[Plain]
    shown: ClassVar[tuple[Shown, ...]] = ()
    class_among: ClassVar[str] = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every feature that training rows carry: the inputs, then the context features."""
        return self.features + tuple(name for name in self.context_features if name not in self.features)

    def metric(self, name: str) -> Metric:
        """One of the model's metrics by name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def label(self, windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
        """Truth of each window, arrays [n] by name, from the simulator's true state.

        Raises:
            NotImplementedError: The definition's rows are no windows.
        """
        raise NotImplementedError(f"{self.name} has no windows")

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Labelled rows of a dataset, where `source` is `table`.

        Args:
            dataset: Contracted tables.
            start: The campaign's first local date; decides the split.

        Raises:
            NotImplementedError: The definition's rows are windows or sequences.
        """
        raise NotImplementedError(f"{self.name} has no table of its own")

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Labelled rows of an ingested dataset, where its tables can tell the target.

        Args:
            dataset: Tables that were measured.
            split: Which days train, validate and test.

        Raises:
            DataError: They cannot; the message names what is lacking.
        """
        from models.observed import lacking

        del split
        raise lacking(self, dataset)

    def check_observed(self, dataset: Dataset) -> None:
        """See that an ingested dataset can tell the target and fills what the model reads.

        Columns are looked at by the definitions that have several algorithms to choose from; others do when
        rows are made.

        Raises:
            DataError: It cannot; the message names what is lacking.
        """
        from models.observed import lacking

        if type(self).observed_rows is Definition.observed_rows:
            raise lacking(self, dataset)

    def prefers(self, dataset: Dataset) -> bool:
        """Whether an ingested dataset is learnt by this algorithm where nobody names one."""
        del dataset
        return False

    def chosen(self, rows: Rows, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Windows to train and be judged on, bool [n]; all of them unless the definition thins some out."""
        del rng
        return np.ones(len(rows), dtype=bool)

    def views(self, rows: Rows) -> Rows:
        """Rows in every form in which serving may meet them, such as with and without a capture."""
        return rows

    @abstractmethod
    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Draw parameters; the same names as `defaults`."""

    def scaled(self, params: Params, tuned_rows: int, rows: int) -> dict[str, float | int | str | bool]:
        """Parameters for `rows` training rows, where they were found on `tuned_rows`; counts of rows grow."""
        del tuned_rows, rows
        return dict(params)

    @abstractmethod
    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """At most `most` rows for tuning, with rare classes kept."""

    @abstractmethod
    def fit(self, train: Rows, params: Params, seed: int) -> FittedT:
        """Fit on training rows; the same rows, parameters and seed give the same model."""

    @abstractmethod
    def calibrate(self, fitted: FittedT, validation: Rows) -> FittedT:
        """Set what is set on validation rows: thresholds, confidences."""

    @abstractmethod
    def score(self, fitted: FittedT, rows: Rows) -> float:
        """Figure that tuning raises, on rows that `fitted` has not seen."""

    @abstractmethod
    def answer(self, fitted: FittedT, rows: Rows) -> Columns:
        """Answer by the fitted model itself: output fields (classes as codes) and what metrics need."""

    @abstractmethod
    def raw(self, fitted: FittedT, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the compiled graph answers, computed without it, float64 [n, k]."""

    @abstractmethod
    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Answer of a named opponent on `rows`, calibrated where it needs that as the model is."""

    @abstractmethod
    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Answer of a depth-3 decision tree on the same inputs."""

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """Answer from the simulator's own state; None where there is none."""
        del rows
        return None

    def figures(self, answers: Answers) -> Iterator[tuple[str, Figure]]:
        """Plots that only this model has, by name; none unless it says otherwise."""
        del answers
        yield from ()

    def fit_figures(self, fitted: FittedT) -> Iterator[tuple[str, Figure]]:
        """Plots of how the fit went, by name; none unless it says otherwise."""
        del fitted
        yield from ()

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """Features that are shuffled together to see what they matter, by name; each alone by default."""
        return {name: (name,) for name in self.features}

    @abstractmethod
    def compile(self, fitted: FittedT) -> Compiled:
        """The fitted model as an ONNX graph and decoder parameters."""

    @abstractmethod
    def decode(
        self, decoder: Mapping[str, Any], raw: NDArray[np.float64], columns: Mapping[str, NDArray[np.float64]]
    ) -> list[dict[str, Any]]:
        """Answers as served, from the graph's output [n, k] and features by name."""

    def served(self, decoder: Mapping[str, Any], raw: NDArray[np.float64], rows: Rows) -> Columns:
        """`answer` of a compiled version: what metrics need, by which two versions are compared.

        Columns that the compiled form does not hold are left out; metrics that need them are not compared.

        Args:
            decoder: Parameters of the version's decoder.
            raw: Output of its graph for `rows`, float64 [n, k].
            rows: The rows.

        Raises:
            NotImplementedError: The definition does not say.
        """
        raise NotImplementedError(f"{self.name} does not say how a compiled version is compared")

    @abstractmethod
    def native(self, fitted: FittedT, example: Rows) -> Native | None:
        """The estimator to keep beside the compiled files; None where none exists (federated)."""
