"""What kind of customer a load profile belongs to."""

from __future__ import annotations

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import adjusted_rand
from models import columns
from models.rows import Names

FIGURES = (
    *("load_factor", "night_share", "peak_hours_share", "weekend_ratio", "ramp_pu"),
    *("price_response_pct", "temperature_pct_per_k", "variability_pct", "standby_pct", "mean_w"),
)
CLASSES = ("base_load", "peak_shaver", "flexible", "critical")


class CustomerClass(Target):
    """The true class of a customer from ten figures of its meter's data."""

    name = "customer_class"
    title = "Class of a customer"
    tables = ("customers",)
    task = "class"
    score = adjusted_rand(len(CLASSES))
    grouped = "customer"
    oracle = "the class itself"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every customer."""
        rows = campaign.dataset.read("customers", columns=[*FIGURES, "true_class"])
        X = np.stack([columns.floats(rows, name) for name in FIGURES], axis=1)
        names = columns.names(rows, "true_class")
        y = np.array([CLASSES.index(text) for text in names.texts], dtype=np.int64)[names.codes]

        def quantiles(train: Ints) -> Floats:
            """Cuts of the load factor at the shares of the classes, each named by who is in it most."""
            return _cut(X[:, 0], y, train)

        def grouped(train: Ints) -> Floats:
            """Four means in the standardised figures, each named by who is nearest to it most."""
            return _means(X, y, train)

        return Cases(
            columns=FIGURES,
            X=X,
            y=y.astype(np.float64),
            group=Names.of([str(k) for k in range(y.size)]).codes,
            opponents={"quantiles of the load factor": quantiles},
            references={"k-means": grouped},
            oracle=y.astype(np.float64),
        )


def _cut(figure: Floats, y: Ints, train: Ints) -> Floats:
    means = np.array([figure[train][y[train] == k].mean() for k in range(len(CLASSES))])
    order = np.argsort(means)
    share = np.bincount(y[train], minlength=len(CLASSES))[order] / train.size
    limits = np.quantile(figure[train], np.cumsum(share)[:-1])
    named: Floats = order[np.searchsorted(limits, figure)].astype(np.float64)
    return named


def _means(X: Floats, y: Ints, train: Ints) -> Floats:
    from sklearn.cluster import KMeans

    Z = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
    fitted = KMeans(len(CLASSES), n_init=10, random_state=0).fit(Z[train])
    label = fitted.predict(Z)
    counts = np.zeros((len(CLASSES), len(CLASSES)))
    np.add.at(counts, (label[train], y[train]), 1.0)
    named: Floats = counts.argmax(axis=1)[label].astype(np.float64)
    return named


TARGETS = (CustomerClass(),)
