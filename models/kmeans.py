"""k-means in the principal components of standardised figures.

Components come from the figures' correlations, the starts from the components' variances; neither is a row.
Each start is improved by Lloyd's steps until no row changes its cluster, and the partition with the smallest
sum of squares is kept. The same arithmetic therefore works on sums of rows that lie in several places.

Sources: Lloyd, "Least Squares Quantization in PCM", IEEE Transactions on Information Theory 28 (1982); Ding
and He, "K-means Clustering via Principal Component Analysis", ICML 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

if TYPE_CHECKING:
    from models.graphs import Graph

Float = NDArray[np.float64]
Int = NDArray[np.int64]

STARTS = 24
MOST_STEPS = 300


@dataclass(frozen=True, slots=True)
class Space:
    """Where distances count.

    Attributes:
        centre: Mean of each figure over the training rows, [p].
        scale: Its standard deviation, [p].
        axes: Principal axes of the standardised figures, in columns, the widest first, [p, k].
        variances: Variance along each, [k].
    """

    centre: Float
    scale: Float
    axes: Float
    variances: Float

    @classmethod
    def of(cls, mean: Float, covariance: Float, components: int) -> Space:
        """The space of the widest `components` axes, from moments [p] and [p, p].

        Raises:
            ModelError: There are not as many figures as components.
        """
        if not 1 <= components <= mean.size:
            raise ModelError(f"k-means: {components} components of {mean.size} figures")
        spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        scale = np.where(spread > 0, spread, 1.0)
        values, axes = np.linalg.eigh(covariance / np.outer(scale, scale))
        values, axes = values[::-1][:components], axes[:, ::-1][:, :components]
        # An axis has no direction of its own: its largest figure counts upwards.
        largest = np.abs(axes).argmax(axis=0)
        signed = axes * np.sign(axes[largest, np.arange(components)])
        return cls(mean, scale, np.ascontiguousarray(signed), np.maximum(values, 0.0))

    def project(self, X: Float) -> Float:
        """Rows [n, p] in the space, [n, k]."""
        found: Float = ((X - self.centre) / self.scale) @ self.axes
        return found

    def figures(self, points: Float) -> Float:
        """What points [n, k] of the space say of each figure, in its standard deviations, [n, p]."""
        found: Float = points @ self.axes.T
        return found

    def starts(self, clusters: int, rng: np.random.Generator) -> Float:
        """First centroids, normally distributed with the space's variances, [STARTS, clusters, k]."""
        drawn: Float = rng.standard_normal((STARTS, clusters, self.variances.size)) * np.sqrt(self.variances)
        return drawn


@dataclass(frozen=True, slots=True)
class Partition:
    """Centroids in a space.

    Attributes:
        space: The space.
        centroids: One a cluster, [clusters, k].
        native: scikit-learn's estimator with these centroids, which reads rows of the space.
    """

    space: Space
    centroids: Float
    native: Any = None

    def apart(self, points: Float) -> Float:
        """Squared distance of points [n, k] to each centroid, [n, clusters]."""
        found: Float = ((points[:, None, :] - self.centroids) ** 2).sum(axis=2)
        return found

    def reordered(self, order: Sequence[int]) -> Partition:
        """The same clusters, numbered anew: the k-th is what `order[k]` was."""
        centroids = np.ascontiguousarray(self.centroids[list(order)])
        return replace(
            self, centroids=centroids, native=None if self.native is None else native_of(centroids)
        )

    def add_to(self, graph: Graph, source: str, name: str) -> str:
        """Add the squared distances to a graph of double precision; the output is [n, clusters].

        Args:
            graph: Graph under construction.
            source: Value with standardised figures, [n, p].
            name: Prefix of all names, and name of the output.
        """
        points = graph.add("MatMul", [source, graph.constant(f"{name}_axes", self.space.axes)], f"{name}_at")
        second = graph.constant(f"{name}_second", np.array([1]))
        rows = graph.add("Unsqueeze", [points, second], f"{name}_rows")
        each = graph.add(
            "Sub", [rows, graph.constant(f"{name}_centroids", self.centroids[None])], f"{name}_each"
        )
        squares = graph.add("Mul", [each, each], f"{name}_squares")
        last = graph.constant(f"{name}_last", np.array([2]))
        return graph.add("ReduceSum", [squares, last], name, keepdims=0)


def fit(X: Float, *, clusters: int, components: int, rng: np.random.Generator) -> Partition:
    """Partition rows `X` [n, p] with scikit-learn's Lloyd steps from the shared starts.

    Args:
        X: Figures of the training rows.
        clusters: Number of clusters.
        components: Principal components in which they are looked for.
        rng: Draws the starts.

    Raises:
        ModelError: There are fewer distinct rows than clusters.
    """
    from sklearn.cluster import KMeans

    distinct = len(np.unique(X, axis=0))
    if distinct < clusters:
        raise ModelError(f"k-means: {clusters} clusters of {distinct} distinct rows", "simulate more of them")
    centre = X.mean(axis=0)
    space = Space.of(centre, (X - centre).T @ (X - centre) / len(X), components)
    points = space.project(X)
    found = [
        KMeans(clusters, init=start, n_init=1, max_iter=MOST_STEPS, tol=0.0, algorithm="lloyd").fit(points)
        for start in space.starts(clusters, rng)
    ]
    best = np.asarray(min(found, key=lambda one: float(one.inertia_)).labels_, dtype=np.int64)
    # scikit-learn's threads add up in any order, and starts that end alike number their clusters differently:
    # centroids are taken from the rows anew, clusters in the order in which the rows name them.
    _, first = np.unique(best, return_index=True)
    member = (best[:, None] == best[np.sort(first)]).astype(np.float64)
    centroids = (member.T @ points) / member.sum(axis=0)[:, None]
    return Partition(space, centroids, native_of(centroids))


def native_of(centroids: Float) -> Any:
    """scikit-learn's estimator of given centroids [clusters, k]; it is fitted to nothing but them."""
    from sklearn.cluster import KMeans

    estimator = KMeans(len(centroids), init=centroids, n_init=1, max_iter=1)
    estimator.fit(centroids)
    estimator.cluster_centers_ = np.ascontiguousarray(centroids)
    return estimator
