"""What a target gives to be judged on: rows, their truth, and what is said of them without learning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from flows.difficulty.scores import Score
from simulation.demand import FeederLoads
from substations.description import Substation
from switchyard.profiles import Profile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Task = Literal["value", "class", "chance"]
Opponent = Callable[[Ints], Floats]
"""Answers on all rows, [n], fitted on the training rows whose positions are given."""

REPEATED = 1e-6
"""Relative difference up to which a campaign drawn again is the one in the tables."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Rows of one target.

    Attributes:
        columns: Names of the inputs.
        X: Inputs, NaN where unknown, float64 [n, columns].
        y: Truth: a value, the code of a class, or whether something happens, float64 [n].
        group: Code of what is resampled as a whole, such as an episode or a day, int64 [n].
        opponents: What one would do without learning from these inputs, by name.
        references: Further answers that are reported beside them.
        split: 0 training, 1 validation, 2 test; None where there are too few groups to set some aside once:
            then every fifth of them is answered by what was learnt from the others.
        oracle: What the simulator's own state answers, float64 [n]; None where it has no answer.
        base: What the learners' answer is added to, float64 [n]; None for 0.
        boosting: Parameters of the gradient boosting that are not its defaults.
        choice: Rows of which an answer chooses one, as codes; None where every row has an answer of its own.
    """

    columns: tuple[str, ...]
    X: Floats
    y: Floats
    group: Ints
    opponents: Mapping[str, Opponent] = field(default_factory=dict)
    references: Mapping[str, Opponent] = field(default_factory=dict)
    split: NDArray[np.int8] | None = None
    oracle: Floats | None = None
    base: Floats | None = None
    boosting: Mapping[str, float | int] = field(default_factory=dict)
    choice: Ints | None = None


@dataclass(frozen=True)
class Campaign:
    """One substation's tables and what made them.

    Attributes:
        dataset: The contracted tables.
        substation: Its description.
        profile: Sizes and seed.
    """

    dataset: Dataset
    substation: Substation
    profile: Profile

    @property
    def start(self) -> date:
        """First local day."""
        return self.profile.simulation.start

    def has(self, *tables: str) -> bool:
        """Whether the dataset holds all these tables."""
        return all(table in self.dataset.tables for table in tables)

    @cached_property
    def loads(self) -> FeederLoads | None:
        """Loads and weather drawn again; None where they are not those of the table `load`."""
        from models import columns
        from simulation.demand import simulate_load

        if not self.has("load"):
            return None
        plan = self.profile.simulation
        drawn = simulate_load(
            self.substation, plan.start, plan.load_days, self.profile.name, self.profile.seed
        )
        held = np.sort(columns.floats(self.dataset.read("load", columns=["p_w"]), "p_w"))
        again = np.sort(drawn.p_w.ravel())
        same = held.size == again.size and np.allclose(held, again, rtol=REPEATED, atol=1.0)
        return drawn if same else None


class Target(ABC):
    """One supervised target: a module of `flows.difficulty.targets` has one or several of them.

    Attributes:
        name: Its name in the report.
        title: What is asked, for people.
        tables: Tables without which it cannot be asked.
        task: What kind of answer is asked for.
        score: How answers are judged.
        grouped: What is resampled as a whole, for people.
        oracle: What the oracle knows, for people; empty where there is none.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    task: Task
    score: Score
    grouped: str
    oracle: str

    @abstractmethod
    def read(self, campaign: Campaign) -> Cases | None:
        """Rows to be judged on; None where the tables hold too little for it."""
