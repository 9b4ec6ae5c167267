"""Isolation forest: whitening from merged moments, trees from every site in proportion to its rows.

The forest is the union of the sites' trees, all grown on subsamples of one size. It is not the forest that
pooled rows would have given: a tree sees one site's normal operation, not a mixture of all. The threshold
comes from the sum of the sites' score histograms on fixed bins.

Local data: `X` float64 [n, d + 1], raw features of normal training rows, the level last; `X_validation`, the
same of normal validation rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation import moments
from federation.errors import FederationError
from federation.families.growing_isolation import FARTHEST, LatticeTrees, grow, to_lattice
from federation.families.settings import read_settings
from federation.families.shares import apportion
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.moments import Moments
from models import whitening
from models.anomalies import AnomalyForest, forest_columns
from models.declaration import Claim
from models.isolation import IsolationArrays
from models.whitening import Whitening
from switchyard.identity import generator

LARGEST_VALUE = 1e6
"""Features are per unit, percent or logarithms: a mean beyond this is no feature of ours."""
SCORE_BINS = 20_000
"""Bins of the scores −1…1: a threshold is known to 1e-4."""
COLUMNS_MADE = 2
"""Columns of the forest besides the whitened ones: level and distance."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        shaping: One number a feature, as `models.whitening.shape` reads it; d values.
        seed: Names the random streams of the sites.
        trees: Trees of the union.
        power: p of the stretching of the forest's columns; see `models.anomalies`.
        psi: Rows that each tree is grown on; fewer where a site has fewer.
        shrink: Shrinkage of the correlation before whitening.
        columns: Share of the columns that each tree may use.
        false_alarms: Share of normal rows below the threshold.
    """

    shaping: tuple[float, ...]
    seed: str
    trees: int = 100
    psi: int = 256
    power: int = 1
    shrink: float = 0.01
    columns: float = 1.0
    false_alarms: float = 0.01


class IsolationForest:
    """The family of `voltage_anomaly`. Phases: moments, grow, scores, done."""

    name: ClassVar[str] = "isolation_forest"
    claim: ClassVar[Claim] = "approximate"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown or wrong, or there are fewer trees than sites.
        """
        checked = read_settings("isolation forest", settings, Settings)
        shares_fit = 0 < checked.columns <= 1 and 0 < checked.false_alarms < 1 and 0 <= checked.shrink <= 1
        if not (shares_fit and checked.psi >= 2 and checked.power >= 1 and checked.trees >= len(rows)):
            raise FederationError(f"isolation forest: settings out of range for {len(rows)} sites: {checked}")
        return Message({"phase": "moments", "settings": msgspec.to_builtins(checked)})

    def finished(self, state: State) -> bool:
        """Whether the threshold is set."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get everything: moments of all rows together and, in the end, the union of the trees."""
        return state

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, trees or a score histogram, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` normal rows in training or validation.
        """
        settings, phase = _settings(state), state.value("phase")
        X = data["X_validation"] if phase == "scores" else data["X"]
        if X.shape[0] < MINIMUM_ROWS:
            raise FederationError(f"{site} has {X.shape[0]} normal rows, statistics need {MINIMUM_ROWS}")
        if X.shape[1] != len(settings.shaping) + 1:
            raise FederationError(f"{site}: rows have {X.shape[1]} columns, not {len(settings.shaping) + 1}")
        if phase == "moments":
            shaped = Moments.of(whitening.shape(X[:, :-1], np.asarray(settings.shaping)))
            raw = Moments.of(X)
            return Message(
                {"n": shaped.n},
                {
                    "mean": shaped.mean,
                    "m2": shaped.m2,
                    "raw_mean": raw.mean,
                    "raw_m2": np.diag(raw.m2).copy(),
                },
            )
        if phase == "grow":
            return Message({"n": X.shape[0]}, _arrays(_grow(state, X, site)))
        score = _forest(state, _trees(state)).score(X)
        # A score never reaches 1; the last bin takes what rounding might make of one close to it.
        at = np.clip(np.floor((score + 1.0) / 2.0 * SCORE_BINS), 0, SCORE_BINS - 1).astype(np.int64)
        return Message({"n": X.shape[0]}, {"scores": np.bincount(at, minlength=SCORE_BINS)})

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments of shaped and raw columns; as many trees as the site was asked for; a histogram."""
        settings, phase = _settings(state), state.value("phase")
        d, large = len(settings.shaping), LARGEST_VALUE
        spread = most * large**2
        if phase == "moments":
            return {
                "mean": Expected("<f8", (d,), -large, large),
                "m2": Expected("<f8", (d, d), -spread, spread),
                "raw_mean": Expected("<f8", (d + 1,), -large, large),
                "raw_m2": Expected("<f8", (d + 1,), 0.0, spread),
            }
        if phase == "scores":
            return {"scores": Expected("<i8", (SCORE_BINS,), 0, most, total=float(most))}
        trees, psi = int(state.value("share")[site]), int(state.value("psi"))
        nodes = trees * (2 * psi - 1)
        return {
            "nodes": Expected("<i4", (trees,), 1, 2 * psi - 1),
            "column": Expected("<i2", (None,), -1, d + COLUMNS_MADE - 1, longest=nodes),
            "split": Expected("<i4", (None,), -FARTHEST, FARTHEST, longest=nodes),
            "left": Expected("<i4", (None,), -1, 2 * psi - 2, longest=nodes),
            "rows": Expected("<i2", (None,), 0, psi, total=float(trees * psi), longest=nodes),
        }

    def inspect(self, state: State, update: Update) -> str:
        """Cross-products must be those of some rows, trees must be trees, histograms must count n_k rows."""
        phase = state.value("phase")
        if phase == "moments":
            m2 = update.array("m2")
            least = float(np.linalg.eigvalsh((m2 + m2.T) / 2.0)[0])
            if not np.allclose(m2, m2.T, rtol=1e-9) or least < -1e-9 * float(np.trace(m2)):
                return "m2 is no cross-product of rows"
            return ""
        if phase == "scores":
            counted = int(update.array("scores").sum())
            return "" if counted == update.n else f"{counted} scores are counted, n is {update.n}"
        trees = _read(update)
        return trees.check(
            trees.nodes.size, len(_settings(state).shaping) + COLUMNS_MADE, int(state.value("psi"))
        )

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Whitening from merged moments, the union of the trees, the threshold from summed histograms."""
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return _whiten(state, settings, updates)
        if phase == "grow":
            union = LatticeTrees.join([_read(update) for update in in_order(updates)])
            return Message({**state.header, "phase": "scores"}, {**state.arrays, **_arrays(union)})
        counts = np.sum([update.array("scores") for update in updates.values()], axis=0)
        threshold = threshold_of(counts, settings.false_alarms)
        return Message({**state.header, "phase": "done", "threshold": threshold}, state.arrays)

    def result(self, state: State) -> AnomalyForest:
        """The finished model.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"isolation forest: not finished, in phase {state.value('phase')!r}")
        return _forest(state, _trees(state), float(state.value("threshold")))


def threshold_of(counts: NDArray[np.int64], share: float) -> float:
    """Largest bin edge below which at most the share `share` of the counted scores lies."""
    below = np.concatenate([[0], np.cumsum(counts)])
    edge = int(np.searchsorted(below, np.floor(share * below[-1]), side="right")) - 1
    return 2.0 * edge / SCORE_BINS - 1.0


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _whiten(state: State, settings: Settings, updates: Mapping[str, Update]) -> State:
    ordered = in_order(updates)
    shaped = moments.merge(Moments(u.n, u.array("mean"), u.array("m2")) for u in ordered)
    raw = moments.merge(Moments(u.n, u.array("raw_mean"), np.diag(u.array("raw_m2"))) for u in ordered)
    made = whitening.from_moments(
        np.asarray(settings.shaping), shaped.mean, shaped.covariance, settings.shrink
    )
    n = {site: update.n for site, update in updates.items()}
    header = {
        **state.header,
        "phase": "grow",
        "share": apportion(settings.trees, n),
        "psi": min(settings.psi, *n.values()),
    }
    return Message(
        header,
        {
            "centre": made.centre,
            "scale": made.scale,
            "matrix": made.matrix,
            "raw_centre": raw.mean,
            # As numpy's std, n in the denominator.
            "raw_scale": np.sqrt(np.diag(raw.m2) / raw.n),
        },
    )


def _forest(state: State, trees: IsolationArrays, threshold: float = 0.0) -> AnomalyForest:
    raw_centre, raw_scale = state.array("raw_centre"), state.array("raw_scale")
    return AnomalyForest(
        whitening=_whitening(state),
        level_centre=float(raw_centre[-1]),
        level_scale=float(raw_scale[-1]),
        power=_settings(state).power,
        forest=trees,
        centre=raw_centre,
        scale=raw_scale,
        threshold=threshold,
    )


def _whitening(state: State) -> Whitening:
    shaping = np.asarray(_settings(state).shaping)
    return Whitening(shaping, state.array("centre"), state.array("scale"), state.array("matrix"))


def _trees(state: State) -> IsolationArrays:
    trees = _read(state).tree_arrays(_settings(state).power)
    return IsolationArrays(trees, int(state.value("psi")))


def _grow(state: State, X: NDArray[np.float64], site: str) -> LatticeTrees:
    settings, psi = _settings(state), int(state.value("psi"))
    level = (float(state.array("raw_centre")[-1]), float(state.array("raw_scale")[-1]))
    numbers = to_lattice(forest_columns(_whitening(state), level, 1, X))
    width = numbers.shape[1]
    used = max(1, int(settings.columns * width))
    trees = []
    for number in range(int(state.value("share")[site])):
        rng = generator(settings.seed, site, f"tree {number}")
        columns = np.sort(rng.permutation(width)[:used])
        sample = numbers[rng.permutation(X.shape[0])[:psi]][:, columns]
        trees.append(grow(sample, settings.power, rng).renamed(columns))
    return LatticeTrees.join(trees)


def _read(message: Message) -> LatticeTrees:
    return LatticeTrees(**{part.name: message.array(part.name) for part in fields(LatticeTrees)})


def _arrays(trees: LatticeTrees) -> dict[str, NDArray[Any]]:
    return {part.name: getattr(trees, part.name) for part in fields(LatticeTrees)}
