"""k-means: Lloyd's steps on sums and counts by cluster, from starts that are no rows.

Round 0 merges the moments of the figures and of a target beside them. From these alone the control centre has
the principal components, the starts (normally distributed with the components' variances) and the linear
regression of the target on the figures. In each further round every site assigns its rows to the nearest
centroids, for all starts at once, and sends counts and sums by cluster; the next centroids are the means.
When no centroid moves any more, the start with the smallest sum of squares is the model.

Sums over sites are the sums of pooled rows, so that each step is Lloyd's own. Of a cluster with fewer than
`LEAST_ROWS` of its rows a site tells nothing, since the sum of one row is that row; these rows then do not
count. It happens on the way from a poor start, and in the end only to a site that hardly has such rows.

Local data: `X` float64 [n, columns], finite; `y` float64 [n].

Source: Lloyd, "Least Squares Quantization in PCM", IEEE Transactions on Information Theory 28 (1982).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation import moments
from federation.errors import FederationError
from federation.families.settings import read_settings
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.moments import Moments
from models.declaration import Claim
from models.kmeans import STARTS, Partition, Space
from switchyard.identity import generator

LARGEST_VALUE = 1e6
"""Figures are per unit, shares or percent: a mean beyond this is no figure of ours."""
FARTHEST = 1e6
"""Standard deviations beyond which no row lies."""
LEAST_ROWS = 8
MOST_ROUNDS = 100
LEAST_SPREAD = 1e-12


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        seed: Names the random stream of the starts.
        columns: Figures of a row.
        clusters: Number of clusters.
        components: Principal components in which they are looked for.
    """

    seed: str
    columns: int
    clusters: int
    components: int


@dataclass(frozen=True, slots=True)
class Regression:
    """Least squares of the target on standardised figures: coefficients [columns] and the mean target."""

    coefficients: NDArray[np.float64]
    intercept: float


class KMeans:
    """The family of `demand_response`. Phases: moments, step (a round each), done."""

    name: ClassVar[str] = "kmeans"
    claim: ClassVar[Claim] = "exact"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("k-means", settings, Settings)
        if not (1 <= checked.components <= checked.columns and checked.clusters >= 2):
            raise FederationError(f"k-means: settings out of range: {checked}")
        return Message({"phase": "moments", "settings": msgspec.to_builtins(checked)})

    def finished(self, state: State) -> bool:
        """Whether the best partition is chosen."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the space and the centroids, not the regression, which they do not need."""
        kept = {name: array for name, array in state.arrays.items() if name not in {"coefficients", "mean_y"}}
        return Message(state.header, kept)

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments; or counts and sums of the rows nearest to each centroid of every start.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows, or other columns.
        """
        settings, X = _settings(state), data["X"]
        if X.shape[0] < MINIMUM_ROWS:
            raise FederationError(f"{site} has {X.shape[0]} rows, statistics need {MINIMUM_ROWS}")
        if X.shape[1] != settings.columns:
            raise FederationError(f"{site}: rows have {X.shape[1]} columns, not {settings.columns}")
        n = int(X.shape[0])
        if state.value("phase") == "moments":
            own = Moments.of(np.column_stack([X, data["y"]]))
            return Message({"n": n}, {"mean": own.mean, "m2": own.m2})
        space = _space(state)
        points = space.project(X)
        counts = np.zeros((STARTS, settings.clusters), dtype=np.int64)
        sums = np.zeros((STARTS, settings.clusters, settings.components))
        within = np.zeros(STARTS)
        for start, centroids in enumerate(state.array("centroids")):
            apart = Partition(space, centroids).apart(points)
            code = apart.argmin(axis=1)
            counts[start] = np.bincount(code, minlength=settings.clusters)
            np.add.at(sums[start], code, points)
            within[start] = apart.min(axis=1).sum()
        few = counts < LEAST_ROWS
        counts[few], sums[few] = 0, 0.0
        return Message({"n": n}, {"counts": counts, "sums": sums, "within": within})

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments of the columns and the target; or counts, sums and sums of squares by start."""
        del site
        settings = _settings(state)
        if state.value("phase") == "moments":
            d, spread = settings.columns + 1, most * LARGEST_VALUE**2
            return {
                "mean": Expected("<f8", (d,), -LARGEST_VALUE, LARGEST_VALUE),
                "m2": Expected("<f8", (d, d), -spread, spread),
            }
        table = (STARTS, settings.clusters)
        return {
            "counts": Expected("<i8", table, 0, most, total=float(STARTS * most)),
            "sums": Expected("<f8", (*table, settings.components), -most * FARTHEST, most * FARTHEST),
            "within": Expected("<f8", (STARTS,), 0.0, most * FARTHEST**2),
        }

    def inspect(self, state: State, update: Update) -> str:
        """Cross-products must be those of some rows; clusters count enough rows or none, and none twice."""
        if state.value("phase") == "moments":
            m2 = update.array("m2")
            least = float(np.linalg.eigvalsh((m2 + m2.T) / 2.0)[0])
            if not np.allclose(m2, m2.T, rtol=1e-9) or least < -1e-9 * float(np.trace(m2)):
                return "m2 is no cross-product of rows"
            return ""
        counts, sums = update.array("counts"), update.array("sums")
        most = int(counts.sum(axis=1).max())
        if most > update.n:
            return f"{most} rows are counted, n is {update.n}"
        if ((counts > 0) & (counts < LEAST_ROWS)).any():
            return f"a cluster of fewer than {LEAST_ROWS} rows is told"
        return "sums of clusters without rows" if sums[counts == 0].any() else ""

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Space, starts and regression from merged moments; then the means of the clusters.

        Sums are added in the order of the sites' names, so that they do not depend on who answered first.
        """
        settings = _settings(state)
        ordered = in_order(updates)
        if state.value("phase") == "moments":
            return _begin(state, settings, ordered)
        counts = np.sum([update.array("counts") for update in ordered], axis=0)
        sums = np.sum([update.array("sums") for update in ordered], axis=0)
        within = np.sum([update.array("within") for update in ordered], axis=0)
        before = state.array("centroids")
        # A cluster that nobody told stays where it was.
        after = np.where((counts > 0)[:, :, None], sums / np.maximum(counts, 1)[:, :, None], before)
        number = int(state.value("number")) + 1
        ended = number >= MOST_ROUNDS or np.array_equal(after, before)
        header = {**state.header, "phase": "done" if ended else "step", "number": number}
        if ended:
            header["best"] = int(np.argmin(within))
        return Message(header, {**state.arrays, "centroids": after})

    def result(self, state: State) -> tuple[Partition, Regression]:
        """The partition and the regression of the finished model.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"k-means: not finished, in phase {state.value('phase')!r}")
        best = state.array("centroids")[int(state.value("best"))]
        regression = Regression(state.array("coefficients"), float(state.array("mean_y")[0]))
        return Partition(_space(state), best), regression


def _begin(state: State, settings: Settings, ordered: Any) -> State:
    merged = moments.merge(Moments(u.n, u.array("mean"), u.array("m2")) for u in ordered)
    # As numpy's std, n in the denominator.
    covariance = merged.m2[:-1, :-1] / merged.n
    space = Space.of(merged.mean[:-1], covariance, settings.components)
    correlation = covariance / np.outer(space.scale, space.scale)
    towards = merged.m2[:-1, -1] / merged.n / space.scale
    return Message(
        {**state.header, "phase": "step", "number": 0},
        {
            "centre": space.centre,
            "scale": space.scale,
            "axes": space.axes,
            "variances": space.variances,
            "coefficients": np.linalg.lstsq(correlation, towards, rcond=LEAST_SPREAD)[0],
            "mean_y": merged.mean[-1:],
            "centroids": space.starts(settings.clusters, generator(settings.seed, "starts")),
        },
    )


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _space(state: State) -> Space:
    return Space(*(state.array(name) for name in ("centre", "scale", "axes", "variances")))
