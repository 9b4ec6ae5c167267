"""A way of failing that one substation alone has seen is recognised at another after federation.

The simulator lets the equipment of two substations age for two years. Mumbai keeps what it has seen; Delhi
loses every life in which a defect grew. Family, plan, rounds, wire and gate are the real ones.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import substations
from benchmarks.federation_attacks.rare_event import PATTERNS, RareEvent, Rate, measure
from data_contracts.dataset import Dataset
from features.context.condition import KINDS
from models.dataset import build
from models.maintenance.equipment_failure import DEFINITION
from models.rows import Rows
from simulation.ageing.campaign import Span, observe_assets
from simulation.tables.assets import write_assets

KNOWS, JUDGED = "mumbai", "delhi"
SPAN = Span(date(2025, 1, 1), days=120, years=2, campaign="rare", seed=5)
SOURCE_MVA = 9000.0


def simulated(folder: Path, site: str) -> Rows:
    """Days of a substation's equipment, as its dataset tells them."""
    described = substations.read(site)
    observed = observe_assets(described, SPAN, SOURCE_MVA)
    write_assets(folder / "assets" / "assets-00000.parquet", described, observed)
    # No day was played second by second.
    (folder / "features").mkdir()
    Dataset.write_manifest(
        folder, substation=site, profile=SPAN.campaign, seed=SPAN.seed, circuit_digest="c" * 64
    )
    return build(Dataset.open(folder), DEFINITION, SPAN.start).rows


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory) -> RareEvent:
    home = tmp_path_factory.mktemp("simulated")
    return RareEvent(
        {site: simulated(home / site, site) for site in (KNOWS, JUDGED)}, PATTERNS["defect"], KNOWS, trees=12
    )


@pytest.fixture(scope="module")
def judged(event: RareEvent, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Delhi's own model and the federated one say of Delhi's equipment."""
    found = measure(event, tmp_path_factory.mktemp("rare"))
    assert (found["knows"], found["seen"]) == (KNOWS, event.seen())
    assert set(found["sites"]) == {JUDGED}
    print(found)
    return found["sites"][JUDGED]


def test_rate__five_of_fifty__has_the_textbook_interval():
    assert Rate(5, 50).interval == pytest.approx((0.0435, 0.2136), abs=1e-4)
    assert Rate(0, 0).interval == (0.0, 1.0)


def test_failing__kinds__are_lives_of_these_kinds_that_fail(event):
    rows = event.rows[KNOWS]
    shown = rows.select(PATTERNS["breaker"].shows(rows))
    assert set(shown.column("asset_kind_code")) == {KINDS.index("breaker")}
    assert shown.truth["fails"].all()
    assert 0 < len(shown) < np.count_nonzero(rows.truth["fails"])


def test_kept__site_that_has_not_seen_it__has_no_day_of_such_a_life(event):
    kept, known, whole = event.kept(JUDGED), event.kept(KNOWS), event.rows[JUDGED]
    assert not kept.truth["grown"].any()
    assert known.truth["grown"].any()
    with_defect = set(whole.episode.array()[np.asarray(whole.truth["grown"], dtype=bool)])
    assert set(kept.episode.array()) == set(whole.episode.array()) - with_defect
    assert event.seen() > 20


def test_federation__defects_that_one_site_alone_has_seen__are_recognised_at_another(judged):
    before, after = judged["alone"]["recognised"], judged["together"]["recognised"]
    assert before["n"] == after["n"] > 50
    assert before["interval"][1] < 0.3
    assert after["interval"][0] > 0.7


def test_federation__defects_that_one_site_alone_has_seen__cost_no_false_alarms(judged):
    assert judged["together"]["alarmed"]["interval"][0] <= judged["alone"]["alarmed"]["interval"][1]
    assert judged["together"]["alarmed_days"] < 0.02
