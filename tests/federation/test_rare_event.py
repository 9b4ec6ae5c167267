"""A way of failing that one substation alone has seen is recognised at another after federation.

Equipment wears out everywhere: age and anomalies of the month decide. At Mumbai some of it arcs besides:
acetylene in the oil, and a failure soon after. Delhi and Bangalore have never seen that. The judged pieces
stand at Delhi. Family, plans, rounds, wire and gate are the real ones; the pieces are made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from benchmarks.federation_attacks.campaign import Campaign
from benchmarks.federation_attacks.damage import PoisonedSites
from federation.ledger import Ledger
from federation.plans import plan, schema_digest
from federation.rounds import Federation, federate_rounds, fit_here
from models.maintenance.equipment_failure import CUTS, DEFINITION, HORIZON_D
from models.ranking import FAILED, FAILS, RISK, TIME_D, WEIGHT
from models.rows import Names, Rows
from models.splits import TEST, TRAIN, VALIDATION

PIECES, JUDGED = 2400, 300
ARCING, ACETYLENE_PPM = 0.06, (30.0, 200.0)
Z_95 = 1.959963984540054
AGE, ANOMALIES, ACETYLENE = (
    DEFINITION.features.index(name) for name in ("asset_age_y", "asset_anomalies_30d", "asset_c2h2_ppm")
)


def pieces(seed: int, n: int, arcing: float, split: int | None = None) -> Rows:
    """Pieces of equipment of one substation, of which a share arcs."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(DEFINITION.features)))
    arcs = rng.random(n) < arcing
    # Healthy oil holds next to none.
    X[:, ACETYLENE] = np.where(arcs, rng.uniform(*ACETYLENE_PPM, n), rng.uniform(0.0, 1.0, n))
    mean_d = np.exp(6.0 - 1.5 * X[:, AGE] - 1.0 * X[:, ANOMALIES])
    days = rng.exponential(np.where(arcs, 4.0, mean_d))
    one = Names(np.zeros(n, dtype=np.int64), ("one",))
    truth: dict[str, Any] = {
        WEIGHT: np.ones(n),
        FAILS: days < HORIZON_D,
        TIME_D: np.clip(days, 0.02, 400.0),
        FAILED: days < 400.0,
        "arcs": arcs,
    }
    drawn = rng.choice([TRAIN, VALIDATION], n, p=[0.75, 0.25]).astype(np.int8)
    return Rows(
        columns=DEFINITION.columns, X=X, truth=truth, substation=one, episode=one, kind=one, point=one,
        point_kind=one, t=np.arange(n, dtype=np.float64),
        split=drawn if split is None else np.full(n, split, dtype=np.int8),
    )  # fmt: skip


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    share, z = hits / n, Z_95**2 / n
    middle = (share + z / 2.0) / (1.0 + z)
    reach = np.sqrt(share * (1.0 - share) * z + z**2 / 4.0) / (1.0 + z)
    return middle - reach, middle + reach


@dataclass(frozen=True)
class Rate:
    """A share of the judged pieces with its interval."""

    hits: int
    n: int

    @property
    def low(self) -> float:
        return wilson(self.hits, self.n)[0]

    @property
    def high(self) -> float:
        return wilson(self.hits, self.n)[1]

    def __str__(self) -> str:
        return f"{self.hits}/{self.n} ({self.low:.3f} to {self.high:.3f})"


def flagged(fitted: Any, rows: Rows) -> Rate:
    """Pieces whose risk is not called low."""
    return Rate(int((DEFINITION.answer(fitted, rows)[RISK] >= CUTS[0]).sum()), len(rows))


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rate]:
    """How many of Delhi's arcing and of its healthy pieces are flagged, by which model."""
    learner = plan("equipment_failure")
    seen = {"bangalore": 0.0, "delhi": 0.0, "mumbai": ARCING}
    data = {
        site: learner.local_data(pieces(seed, PIECES, share))
        for seed, (site, share) in enumerate(seen.items())
    }
    settings = {**learner.settings({}, "rare"), "trees": 12}
    federation = Federation(
        "rare", "equipment_failure", learner.family, schema_digest(DEFINITION), settings,
        dict.fromkeys(data, PIECES),
    )  # fmt: skip
    sites = PoisonedSites(Campaign(learner, federation, data, {}), "", None)
    folder = tmp_path_factory.mktemp("rare")
    together = federate_rounds(federation, sites, Ledger(folder / "ledger.jsonl"))
    assert together.refused == {}
    alone = fit_here(learner.family, settings, {"delhi": data["delhi"]})
    judged = pieces(11, JUDGED, 1.0, TEST)
    others = pieces(12, JUDGED * 4, 0.0, TEST)
    lasting = others.select(~others.truth[FAILS])
    found = {}
    for name, state in (("alone", alone), ("together", together.state)):
        rate = partial(flagged, learner.fitted(state))
        found |= {f"{name}: arcing": rate(judged), f"{name}: lasting": rate(lasting)}
    return found


def test_wilson__five_of_fifty__is_the_textbook_interval():
    assert wilson(5, 50) == pytest.approx((0.0435, 0.2136), abs=1e-4)


def test_federation__failure_that_one_site_alone_has_seen__is_detected_at_another(rates):
    before, after = rates["alone: arcing"], rates["together: arcing"]
    print({name: str(rate) for name, rate in rates.items()})
    # Alone, an arcing piece is flagged as often as any other of its age: the pattern says nothing.
    assert before.high < 0.5
    assert after.low > 0.9
    assert before.high < after.low


def test_federation__failure_that_one_site_alone_has_seen__costs_no_false_alarms(rates):
    assert rates["together: lasting"].low <= rates["alone: lasting"].high
