"""The topic `ageing`: a piece of equipment, and whether it fails within thirty days."""

import msgspec
import numpy as np
import pyarrow as pa

from data_contracts.wire import Context
from models import asset_rows, columns
from models.splits import TEST, split_of_day
from tests.flows.contexts.tables import DAY_S, MIDNIGHT, MUMBAI, NOON, TEST_DAY, stamps, truth


def assets_of(t, **changes):
    """One day of every piece of the description; of what a piece may lack there is nothing."""
    pieces = MUMBAI.assets
    lacking = ("moisture_pct", "oltc_operations", "h2_ppm", "ch4_ppm", "c2h2_ppm", "c2h4_ppm", "co_ppm")
    row = {
        "age_years": 7.0,
        "anomalies_7d": 3,
        "anomalies_30d": 9,
        "load_pu": 0.6,
        "hot_spot_c": 71.0,
        "through_faults_total": 2,
        "breaker_operations": 40,
        "maintenance_age_d": 10.0,
        "anomalies_24h": 1,
        "ambient_c": 30.0,
        "failed_within_30d": True,
        "risk_30d": 0.8,
        **changes,
    }
    n = len(pieces)
    return {
        "asset": [piece.id for piece in pieces],
        "kind": [piece.kind for piece in pieces],
        "t": stamps([t] * n),
        **{name: [value] * n for name, value in row.items()},
        **{name: pa.nulls(n, pa.float64()) for name in lacking},
    }


def played(asset, t):
    return {"asset": asset, "t_asset": t, "point": "DTX1.LV"}


def test_ageing__pieces__are_those_of_the_models_test_split(ask):
    t = MIDNIGHT + TEST_DAY * DAY_S
    table = assets_of(t)
    drawn = [played(piece.id, t) for piece in MUMBAI.assets]

    found = ask("ageing", {"assets": table}, [NOON] * len(drawn), drawn)

    arrow = pa.table(table)
    asset = columns.names(arrow, "asset")
    ranks = asset_rows._ranks(asset, columns.names(arrow, "kind"))
    tested = split_of_day((7 * ranks) % 20) == TEST
    assert {MUMBAI.assets[k].id for k in found} == {asset.texts[k] for k in np.flatnonzero(tested)}


def test_ageing__request__names_the_piece_and_leaves_out_what_it_lacks(ask):
    t = MIDNIGHT + TEST_DAY * DAY_S
    drawn = [played(piece.id, t) for piece in MUMBAI.assets]

    number, told = next(iter(ask("ageing", {"assets": assets_of(t)}, [NOON] * len(drawn), drawn).items()))

    context = msgspec.convert(told.context, Context)
    assert told.point == "DTX1.LV"
    assert context.asset == MUMBAI.assets[number].id
    assert (context.hours_since_maintenance, context.anomalies_24h, context.ambient_c) == (240.0, 1, 30.0)
    assert context.condition.through_faults == 2
    assert "dga" not in told.context["condition"]
    assert "moisture_pct" not in told.context["condition"]
    assert truth("equipment_failure", told) == {
        "risk_level": "high",
        "failure_risk": 0.8,
        "failed_within_30d": True,
    }


def test_ageing__next_thirty_days_not_known__is_left_out(ask):
    t = MIDNIGHT + TEST_DAY * DAY_S
    table = assets_of(t) | {"failed_within_30d": pa.nulls(len(MUMBAI.assets), pa.bool_())}
    drawn = [played(piece.id, t) for piece in MUMBAI.assets]
    assert ask("ageing", {"assets": table}, [NOON] * len(drawn), drawn) == {}
