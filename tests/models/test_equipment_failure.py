"""Rows of `equipment_failure`, its answers, and whether it names what truly raises the risk."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
import substations
from data_contracts.dataset import Dataset
from models import asset_rows
from models.errors import DataError
from models.evaluation import answer_all, evaluated_rows
from models.failure_factors import FACTORS
from models.failure_outlook import HORIZON_D, level_of
from models.maintenance.equipment_failure import DEFINITION
from models.pool import load
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.identity import ScenarioId

START = date(2025, 1, 1)


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


@pytest.fixture(scope="module")
def fitted(pool):
    return DEFINITION.calibrate(
        DEFINITION.fit(pool.split(TRAIN), DEFINITION.defaults, 1), pool.split(VALIDATION)
    )


def answers(fitted, rows):
    compiled = DEFINITION.compile(fitted)
    return DEFINITION.decode(compiled.decoder, DEFINITION.raw(fitted, rows.inputs(DEFINITION.features)), {})


def test_rows__a_piece__is_in_one_split_with_all_its_spells(pool):
    rows = pool.training
    piece = np.array([name.rsplit("/", 1)[0] for name in rows.episode.array()])
    for name in np.unique(piece):
        assert np.unique(rows.split[piece == name]).size == 1
    assert {TRAIN, VALIDATION, TEST} == set(rows.split.tolist())


def test_rows__base_rate__is_that_of_all_days(pool, folders):
    rows = pool.training
    known = []
    for folder in folders.values():
        column = Dataset.open(folder).read("assets", columns=["failed_within_30d"]).column(0)
        known += column.drop_null().to_pylist()
    rate = np.mean(known)

    assert rows.truth["fails"].mean() == pytest.approx(rate, rel=0.05)
    assert len(rows) == pytest.approx(len(known) / asset_rows.STRIDE_D, rel=0.02)


def test_rows__what_a_gateway_may_not_know__is_left_out_of_some(pool):
    hidden = np.isnan(pool.training.column("ambient_c")).mean()

    assert hidden == pytest.approx(asset_rows.HIDDEN, abs=0.02)


@pytest.fixture
def played(folders, tmp_path):
    """The dataset of a station with two episodes of kind `ageing`, of two windows at two points each."""
    source = next(iter(folders.values()))
    described = substations.read(Dataset.open(source).substation)
    table = pq.read_table(source / "assets" / "assets-00000.parquet")
    served = table.filter(pa.compute.is_valid(table.column("failed_within_30d"))).slice(100, 2)
    (tmp_path / "assets").mkdir()
    pq.write_table(table, tmp_path / "assets" / "assets-00000.parquet")
    chosen = [
        {"asset": row["asset"], "t_asset": int(row["t"].timestamp()), "point": "DTX1.LV", "weight": 0.5 + k}
        for k, row in enumerate(served.select(["asset", "t"]).to_pylist())
    ]
    ids = [str(ScenarioId(described.name, "tiny", 7, "ageing", k)) for k in range(2)]
    (tmp_path / "scenarios").mkdir()
    pq.write_table(
        pa.table(
            {"scenario_id": ids, "status": ["ok", "ok"], "parameters": [json.dumps(one) for one in chosen]}
        ),
        tmp_path / "scenarios" / "ageing-00000.parquet",
    )
    n = 8
    values = np.tile(np.arange(n, dtype=float), (len(features.NAMES), 1))
    (tmp_path / "features").mkdir()
    pq.write_table(
        pa.table(
            {
                "scenario_id": np.repeat(ids, 4),
                "point": ["DTX1.LV", "LV1"] * 4,
                "t": pa.array([1000, 1000, 11_000, 11_000] * 2, pa.timestamp("ms", tz="UTC")),
                **dict(zip(features.NAMES, values, strict=True)),
            }
        ),
        tmp_path / "features" / "ageing-00000.parquet",
    )

    def opened():
        Dataset.write_manifest(
            tmp_path, substation=described.name, profile="tiny", seed=7, circuit_digest=described.digest
        )
        return Dataset.open(tmp_path)

    return tmp_path, chosen, opened


def test_rows__a_played_day__has_its_last_window_at_its_point_and_its_weight(played):
    _, chosen, opened = played
    rows = DEFINITION.rows(opened(), START).rows
    own = rows.select(rows.kind.array() == asset_rows.KIND)

    assert len(own) == 2
    assert np.isnan(rows.select(rows.kind.array() == asset_rows.ASSET_DAY).column("v_a_pu")).all()
    np.testing.assert_array_equal(own.column("v_a_pu"), [2.0, 6.0])
    np.testing.assert_array_equal(own.truth["weight"], [0.5, 1.5])
    assert [name.split("/")[1] for name in own.episode.array()] == [one["asset"] for one in chosen]
    assert own.point.array().tolist() == ["DTX1.LV"] * 2


def test_rows__a_played_day_that_the_table_lacks__is_refused(played):
    folder, chosen, opened = played
    ids = pq.read_table(folder / "scenarios" / "ageing-00000.parquet").column("scenario_id").to_pylist()
    wrong = [{**one, "t_asset": one["t_asset"] + 1} for one in chosen]
    pq.write_table(
        pa.table(
            {"scenario_id": ids, "status": ["ok"] * 2, "parameters": [json.dumps(one) for one in wrong]}
        ),
        folder / "scenarios" / "ageing-00000.parquet",
    )

    with pytest.raises(DataError, match="no row of"):
        DEFINITION.rows(opened(), START)


def test_fitted__small_campaign__beats_age_and_comes_near_the_true_risk(pool, fitted):
    found = answer_all(DEFINITION, fitted, pool.training, evaluated_rows(pool.training, None))
    skill, area = DEFINITION.metric("brier_skill"), DEFINITION.metric("roc_auc_share")

    assert skill.of(found.by["model"], found.rows) > skill.of(found.by["age_weibull"], found.rows) + 0.2
    assert area.of(found.by["model"], found.rows) > 0.93


def test_answers__time__is_within_the_horizon_where_a_failure_is_more_likely_than_not(pool, fitted):
    for one in answers(fitted, pool.split(TEST)):
        assert (one["failure_risk"] >= 0.5) == (one["time_to_failure"] <= 24.0 * HORIZON_D + 1e-6)
        assert len(one["contributing_factors"]) <= 5
        assert set(one["contributing_factors"]) <= set(FACTORS)


def test_level_of__cuts__are_those_of_the_answer():
    assert level_of(np.array([0.0, 0.2999, 0.3, 0.7, 0.7001, 1.0])).tolist() == [0, 0, 1, 1, 2, 2]


def test_contributing_factors__anomalies_injected__are_named_first_in_most_cases(pool, fitted):
    """Sound equipment whose monitoring begins to count as that of a growing defect does."""
    rows = pool.split(TEST)
    sound = rows.select(~rows.truth["grown"] & ~rows.truth["fails"])
    X = sound.X.copy()
    day = 60.0
    grown = {
        "anomalies_24h": day,
        "asset_anomalies_7d": 5 * day,
        "asset_anomalies_30d": 9 * day,
        "asset_anomaly_trend_week": np.log((5 * day / 7 + 0.3) / (4 * day / 23 + 0.3)),
        "asset_anomaly_trend_day": np.log((day + 1) / (4 * day / 23 + 1)),
    }
    for name, value in grown.items():
        X[:, sound.columns.index(name)] = value
    before, after = answers(fitted, sound), answers(fitted, replace(sound, X=X))
    raised = [b["failure_risk"] > a["failure_risk"] for a, b in zip(before, after, strict=True)]
    first = [one["contributing_factors"][:1] == ["anomalies"] for one in after]

    assert np.mean(raised) > 0.99
    assert np.mean(first) > 0.95
