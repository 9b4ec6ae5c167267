"""What the declaration of a model is made of: outputs, target, bars, parameters, and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Claim = Literal["exact", "surrogate", "approximate", "none"]
Proof = Literal["forecast", "estimator"]
Source = Literal["windows", "sequences", "table"]
Library = Literal["", "keras"]
Flavour = Literal["sklearn", "keras", "xgboost"]
Params = Mapping[str, float | int | str | bool]


class Trial(Protocol):
    """The part of `optuna.Trial` that a search space uses."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Draw an integer in [low, high]."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a float in [low, high]."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Draw one of `choices`."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output field: what is true of it and how that is measured, or the formula that it is.

    Attributes:
        name: Field of the answer.
        truth: How the simulator knows it; empty where the field is defined by a formula.
        metric: Name of the metric that compares the two.
        formula: The published formula, for a field that has no truth of its own.
        unset: When the field is left out of an answer; empty where it never is.
        magnitude: Size of an ordinary value; what counts as equal to the fitted model's grows with it.
    """

    name: str
    truth: str = ""
    metric: str = ""
    formula: str = ""
    unset: str = ""
    magnitude: float = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """What a model must reach on the test episodes of the training substations.

    Attributes:
        metric: Name of one of the model's metrics.
        value: Figure to reach; None where only opponents are to be beaten.
        beats: Opponents that must be beaten: the 95 % interval of the paired difference excludes 0.
        exceeds: Opponents whose figure must be worse.
        not_worse: Opponents that must not be better: the 95 % interval of the paired difference reaches 0.
        cuts: Opponents of which this share of the error must be cut, by name; for a lower metric.
        near_oracle: Distance to the oracle's figure at which the value counts as reached all the same.
        contains: Figure that the model's own 95 % interval must contain.
    """

    metric: str
    value: float | None = None
    beats: tuple[str, ...] = ()
    exceeds: tuple[str, ...] = ()
    not_worse: tuple[str, ...] = ()
    cuts: Mapping[str, float] = field(default_factory=dict)
    near_oracle: float | None = None
    contains: float | None = None

    @property
    def rivals(self) -> frozenset[str]:
        """Every opponent that the bar names."""
        return frozenset((*self.beats, *self.exceeds, *self.not_worse, *self.cuts))


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of the answer that is drawn beside what came true.

    Attributes:
        kind: `chance` of what truth says happened (ROC, precision and recall, reliability), or a `value`
            (residuals).
        estimate: Column of the answer.
        truth: Column of the truth.
        among: Column of the truth that says which rows count; empty for all.
        weight: Column of the truth that says how much each counts; empty for alike.
        unit: Unit of a value.
    """

    kind: Literal["chance", "value"]
    estimate: str
    truth: str
    among: str = ""
    weight: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted and how the simulator knows it.

    Attributes:
        description: The target in words, with its unit or classes.
        columns: Columns of the truth tables that it is made from.
        classes: Names of the classes by code, where the target is a class.
    """

    description: str
    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()
