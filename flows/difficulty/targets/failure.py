"""Whether a piece of equipment fails within thirty days."""

from __future__ import annotations

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import ranking
from models import columns

EVERY_D = 5
"""Every fifth day is a row: what is known changes slowly."""

DAY_S = 86_400
OBSERVED = (
    *("age_years", "maintenance_age_d", "load_pu", "peak_load_pu", "hot_spot_c", "ageing_rate"),
    *("insulation_age_d", "harmonic_factor", "through_faults_total", "i2t_total_ka2s", "moisture_pct"),
    *("oltc_operations", "breaker_operations", "h2_ppm", "ch4_ppm", "c2h2_ppm", "c2h4_ppm", "co_ppm"),
    *("dga_age_d", "anomalies_24h", "anomalies_30d", "ambient_c"),
)
GASES = {"h2_ppm": 150.0, "ch4_ppm": 130.0, "c2h2_ppm": 20.0, "c2h4_ppm": 280.0, "co_ppm": 600.0}
"""Typical values of IEC 60599, upper ends; from common knowledge."""


class Failure(Target):
    """Failure within thirty days, of equipment in service whose thirty days are known."""

    name = "failure_30d"
    title = "Failure of a piece of equipment within 30 days"
    tables = ("assets",)
    task = "chance"
    score = ranking()
    grouped = "piece of equipment"
    oracle = "true hazard of the next 30 days with the present defect growing on"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every fifth day; pieces of equipment are set aside whole, since neighbouring days share a label."""
        wanted = ["asset", "kind", "t", "in_service", "failed_within_30d", "risk_30d", *OBSERVED]
        rows = campaign.dataset.read("assets", columns=wanted)
        asset, kind = columns.names(rows, "asset"), columns.names(rows, "kind")
        y = columns.floats(rows, "failed_within_30d")
        use = np.flatnonzero(
            np.isfinite(y)
            & (columns.floats(rows, "in_service") > 0.0)
            & (columns.seconds(rows) // DAY_S % EVERY_D == 0)
        )
        known = {name: columns.floats(rows, name)[use] for name in OBSERVED}
        kind_of, y = kind.codes[use], y[use]
        X = np.stack([*known.values(), kind_of.astype(np.float64)], axis=1)
        one_hot = np.eye(len(kind.texts))[kind_of]
        log_age = np.log(np.maximum(known["age_years"], 0.01))

        def by_age(train: Ints) -> Floats:
            return _fitted(np.concatenate([log_age[:, None], one_hot], axis=1), y, train)

        def by_index(train: Ints) -> Floats:
            return _fitted(_health(known)[:, None], y, train)

        def by_anomalies(train: Ints) -> Floats:
            return _fitted(np.log1p(known["anomalies_30d"])[:, None], y, train)

        return Cases(
            columns=(*OBSERVED, "kind"),
            X=X,
            y=y,
            group=asset.codes[use],
            opponents={
                "Weibull of the age by kind": by_age,
                "health index": by_index,
                "anomalies of 30 days": by_anomalies,
            },
            oracle=columns.floats(rows, "risk_30d")[use],
        )


def _health(known: dict[str, Floats]) -> Floats:
    """Points of a health index: anomalies, gases above their typical values, water, age, maintenance."""
    points = np.minimum(known["anomalies_30d"], 6.0)
    for name, typical in GASES.items():
        points = points + (np.nan_to_num(known[name]) > typical)
    points = points + 1.0 * (np.nan_to_num(known["moisture_pct"]) > 2.5)
    points = points + np.minimum(known["age_years"] / 20.0, 2.0)
    return np.asarray(points + np.minimum(known["maintenance_age_d"] / 730.0, 2.0))


def _fitted(X: Floats, y: Floats, train: Ints) -> Floats:
    """Chance by a Poisson regression: with the logarithm of the age it is a Weibull hazard."""
    from sklearn.linear_model import PoissonRegressor

    fitted = PoissonRegressor(alpha=1e-4, max_iter=300).fit(X[train], y[train])
    return np.asarray(-np.expm1(-fitted.predict(X)), dtype=np.float64)


TARGETS = (Failure(),)
