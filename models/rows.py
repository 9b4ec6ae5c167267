"""Labelled windows of one or several substations, as arrays of equal length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError


@dataclass(frozen=True, slots=True)
class Names:
    """A column of few distinct texts: codes into a list of them.

    Attributes:
        codes: Index into `texts`, int64 [n].
        texts: The distinct texts.
    """

    codes: NDArray[np.int64]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str]) -> Names:
        """Encode texts; the list of distinct ones is sorted."""
        if not len(values):
            return cls(np.zeros(0, dtype=np.int64), ())
        texts, codes = np.unique(np.asarray(values, dtype=object).astype(str), return_inverse=True)
        return cls(codes.astype(np.int64), tuple(str(text) for text in texts))

    def __len__(self) -> int:
        return int(self.codes.size)

    def take(self, index: NDArray[np.int64]) -> Names:
        """The entries at `index`."""
        return Names(self.codes[index], self.texts)

    def array(self) -> NDArray[np.str_]:
        """The texts row by row, [n]."""
        return np.asarray(self.texts, dtype=np.str_)[self.codes] if self.texts else np.zeros(0, dtype=np.str_)

    def isin(self, wanted: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows hold one of `wanted`, bool [n]."""
        known = np.asarray([text in set(wanted) for text in self.texts], dtype=bool)
        return known[self.codes] if known.size else np.zeros(0, dtype=bool)

    @classmethod
    def concatenate(cls, parts: Sequence[Names]) -> Names:
        """Join columns whose lists of distinct texts may differ."""
        texts = tuple(sorted({text for part in parts for text in part.texts}))
        place = {text: index for index, text in enumerate(texts)}
        codes = [
            np.asarray([place[text] for text in part.texts], dtype=np.int64)[part.codes]
            for part in parts
            if len(part)
        ]
        return cls(np.concatenate(codes) if codes else np.zeros(0, dtype=np.int64), texts)


@dataclass(frozen=True, slots=True)
class Rows:
    """n labelled windows.

    Attributes:
        columns: Names of the feature columns.
        X: Features, float64 [n, columns].
        truth: What the simulator knows of each window, arrays of length n by name.
        substation: Name of the substation.
        episode: `scenario_id`.
        kind: Scenario kind.
        point: Measurement point.
        point_kind: The point's kind.
        t: End of the window, Unix seconds UTC, float64 [n].
        split: 0 training, 1 validation, 2 test; int8 [n].
    """

    columns: tuple[str, ...]
    X: NDArray[np.float64]
    truth: Mapping[str, NDArray[np.generic]]
    substation: Names
    episode: Names
    kind: Names
    point: Names
    point_kind: Names
    t: NDArray[np.float64]
    split: NDArray[np.int8]

    def __post_init__(self) -> None:
        n = self.X.shape[0]
        if self.X.ndim != 2 or self.X.shape[1] != len(self.columns):
            raise DataError(f"rows: X has shape {self.X.shape} for {len(self.columns)} columns")
        lengths = {
            "substation": len(self.substation),
            "episode": len(self.episode),
            "kind": len(self.kind),
            "point": len(self.point),
            "point_kind": len(self.point_kind),
            "t": self.t.size,
            "split": self.split.size,
            **{f"truth.{name}": values.shape[0] for name, values in self.truth.items()},
        }
        wrong = {name: length for name, length in lengths.items() if length != n}
        if wrong:
            raise DataError(f"rows: X has {n} rows, but {wrong}")

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def select(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        """The rows named by a mask or by indices, in that order."""
        index = np.flatnonzero(which) if which.dtype == np.bool_ else which.astype(np.int64)
        return Rows(
            columns=self.columns,
            X=self.X[index],
            truth={name: values[index] for name, values in self.truth.items()},
            substation=self.substation.take(index),
            episode=self.episode.take(index),
            kind=self.kind.take(index),
            point=self.point.take(index),
            point_kind=self.point_kind.take(index),
            t=self.t[index],
            split=self.split[index],
        )

    def column(self, name: str) -> NDArray[np.float64]:
        """One feature, float64 [n].

        Raises:
            DataError: The rows do not carry that feature.
        """
        if name not in self.columns:
            raise DataError(f"rows: no feature {name!r}; there are {', '.join(self.columns)}")
        return self.X[:, self.columns.index(name)]

    def inputs(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The named features in that order, float64 [n, len(names)].

        Raises:
            DataError: A feature is not among the rows' columns.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise DataError(f"rows: no feature {', '.join(missing)}", "build the rows for this model")
        return np.ascontiguousarray(self.X[:, [self.columns.index(name) for name in names]])


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Join rows of several substations.

    Raises:
        DataError: Nothing to join, or the parts have different columns or truth.
    """
    if not parts:
        raise DataError("no rows to join")
    first = parts[0]
    for part in parts[1:]:
        if part.columns != first.columns or set(part.truth) != set(first.truth):
            raise DataError("rows: parts have different columns or truth", "build them for one model")
    return Rows(
        columns=first.columns,
        X=np.concatenate([part.X for part in parts]),
        truth={name: np.concatenate([part.truth[name] for part in parts]) for name in first.truth},
        substation=Names.concatenate([part.substation for part in parts]),
        episode=Names.concatenate([part.episode for part in parts]),
        kind=Names.concatenate([part.kind for part in parts]),
        point=Names.concatenate([part.point for part in parts]),
        point_kind=Names.concatenate([part.point_kind for part in parts]),
        t=np.concatenate([part.t for part in parts]),
        split=np.concatenate([part.split for part in parts]),
    )
