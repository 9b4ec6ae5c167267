"""Groups of customers: what finds them, how they get their names, and what could move."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from data_contracts.dataset import Dataset
from models import kmeans
from models.energy.demand_response import DEFINITION, FIGURES, NAMED_BY, PEAK_LOAD, RESPONSE, named
from models.errors import ModelError
from models.kmeans import Partition, Space
from models.pool import load
from models.splits import TEST, TRAIN, VALIDATION


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


@pytest.fixture(scope="module")
def fitted(pool):
    return DEFINITION.calibrate(
        DEFINITION.fit(pool.split(TRAIN), DEFINITION.defaults, 3), pool.split(VALIDATION)
    )


def test_rows__each_customer__is_an_episode_with_the_tables_figures(folders, profile):
    dataset = Dataset.open(next(iter(folders.values())))
    rows = DEFINITION.rows(dataset, profile.simulation.start).rows
    table = dataset.read("customers").to_pandas().set_index("customer").loc[rows.episode.array()]

    assert len(rows) == profile.simulation.customers == len(set(rows.episode.array()))
    for name in ("load_factor", "night_share", "peak_hours_share", "weekend_ratio", "ramp_pu"):
        np.testing.assert_allclose(rows.column(f"profile_{name}"), table[name], rtol=1e-9)
    for name in (RESPONSE, "temperature_pct_per_k", "variability_pct", "standby_pct"):
        np.testing.assert_array_equal(rows.column(name), table[name])
    assert rows.kind.array().tolist() == table["sector"].tolist()
    assert np.bincount(rows.split).tolist() == [len(rows) * k // 20 for k in (14, 3, 3)]


def test_answer__test_customers__are_found_and_named(pool, fitted):
    rows = pool.split(TEST)
    answer = DEFINITION.answer(fitted, rows)

    assert DEFINITION.metric("adjusted_rand").of(answer, rows) > 0.85
    assert DEFINITION.metric("named_right").of(answer, rows) > 0.95
    assert DEFINITION.metric("silhouette").of(answer, rows) > 0.5
    assert DEFINITION.metric("silhouette_of_true").of(answer, rows) > 0.95


def test_metrics__of_answers__are_scikit_learns(pool, fitted):
    rows = pool.split(TEST)
    answer = DEFINITION.answer(fitted, rows)
    points = fitted.partition.space.project(rows.inputs(FIGURES))

    assert DEFINITION.metric("adjusted_rand").of(answer, rows) == pytest.approx(
        adjusted_rand_score(rows.truth["code"], answer["code"])
    )
    assert DEFINITION.metric("silhouette").of(answer, rows) == pytest.approx(
        silhouette_score(points, answer["code"])
    )
    ratio = silhouette_score(points, answer["code"]) / silhouette_score(points, rows.truth["code"])
    assert DEFINITION.metric("silhouette_of_true").of(answer, rows) == pytest.approx(ratio)


def test_fit__centroids__are_means_that_no_step_moves(pool, fitted):
    space, rows = fitted.partition.space, pool.split(TRAIN)
    points = space.project(rows.inputs(FIGURES))
    code = fitted.partition.apart(points).argmin(axis=1)

    for k, centroid in enumerate(fitted.partition.centroids):
        np.testing.assert_allclose(points[code == k].mean(axis=0), centroid, atol=1e-12)
    sum_of_squares = fitted.partition.apart(points).min(axis=1).sum()
    usual = KMeans(4, n_init=20, random_state=0).fit(points)
    assert sum_of_squares <= usual.inertia_ * (1 + 1e-9)


def test_named__centroids_in_any_order__get_the_names_by_their_figures():
    """Each of three centroids stands out in one figure, the fourth in none."""
    places = [FIGURES.index(figure) for _, figure in NAMED_BY]
    centroids = np.full((4, len(FIGURES)), -0.3)
    for k, place in enumerate(places):
        centroids[k, place] = 2.0
    nothing = np.zeros(len(FIGURES))
    space = Space(nothing, nothing + 1.0, np.eye(len(FIGURES)), nothing + 1.0)

    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]):
        shuffled = Partition(space, centroids[order])
        base, shaver, flexible, critical = shuffled.centroids[named(shuffled)]
        assert base.max() < 0
        for centroid, place in zip((critical, flexible, shaver), places, strict=True):
            assert centroid[place] == pytest.approx(2.0)


def test_named__classes_of_the_rows__do_not_matter(pool, fitted):
    """Names come from centroids: a customer's class is never asked for."""
    rows = pool.split(TRAIN)
    blind = DEFINITION.fit(
        type(rows)(
            **{
                **{name: getattr(rows, name) for name in rows.__slots__},
                "truth": {**rows.truth, "code": np.zeros(len(rows), dtype=np.int64)},
            }
        ),
        DEFINITION.defaults,
        3,
    )
    np.testing.assert_array_equal(blind.partition.centroids, fitted.partition.centroids)


def test_potential__answered__is_the_share_of_the_evenings_load(pool, fitted):
    rows = pool.split(TEST)
    answer = DEFINITION.answer(fitted, rows)
    compiled = DEFINITION.compile(fitted)
    columns = {name: rows.column(name) for name in DEFINITION.features}
    decoded = DEFINITION.decode(
        compiled.decoder, DEFINITION.raw(fitted, rows.inputs(DEFINITION.features)), columns
    )
    found = np.array([one["dr_potential"] for one in decoded])

    np.testing.assert_allclose(found, np.asarray(answer["potential_w"]) / 1e3, rtol=1e-12)
    assert (found <= rows.column(PEAK_LOAD) / 1e3).all()
    response = DEFINITION.opponent("price_response", pool.split(TRAIN), pool.split(VALIDATION), rows)
    metric = DEFINITION.metric("potential_error_pct")
    assert metric.of(answer, rows) < metric.of(response, rows)


def test_kmeans__fewer_distinct_rows_than_clusters__says_so():
    rng = np.random.default_rng(7)
    with pytest.raises(ModelError, match="4 clusters of"):
        kmeans.fit(np.repeat(rng.normal(size=(3, 5)), 4, axis=0), clusters=4, components=2, rng=rng)


def test_space__more_components_than_figures__says_so():
    with pytest.raises(ModelError, match="3 components of 2 figures"):
        Space.of(np.zeros(2), np.eye(2), 3)
