"""What customers draw, by the behaviour that they were drawn from."""

from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables.customers import CLASSES as TABLE_CLASSES
from data_contracts.tables.customers import CUSTOMERS
from data_contracts.tables.customers import SECTORS as TABLE_SECTORS
from simulation.customers.behaviour import (
    NIGHT_HOURS,
    PEAK_HOURS,
    QUARTERS,
    between,
    habit,
    moved,
    running,
    thermostat,
)
from simulation.customers.classes import CLASSES
from simulation.customers.population import SECTORS, Customers, draw_customers
from simulation.tables.customers import write_customers
from substations.description import Substation
from switchyard.profiles import Profile

COUNT = 3000


@pytest.fixture(scope="module")
def drawn(mumbai: Substation) -> Customers:
    return draw_customers(mumbai, COUNT, "small", 11)


def features(drawn: Customers) -> np.ndarray:
    """Ten figures of each customer's profile, standardised."""
    found = np.stack(
        [
            drawn.mean_w / drawn.peak_w,
            drawn.night_share,
            drawn.peak_hours_share,
            drawn.weekend_w.mean(axis=1) / drawn.working_w.mean(axis=1),
            drawn.ramp,
            drawn.price_response,
            drawn.temperature_per_k,
            drawn.variability,
            drawn.standby,
            drawn.working_w.min(axis=1) / drawn.working_w.mean(axis=1),
        ],
        axis=1,
    )
    return (found - found.mean(axis=0)) / found.std(axis=0)


def test_running__eight_hours_from_ten_at_night__goes_on_past_midnight() -> None:
    shape = running(np.array([22.0]), np.array([8.0]), np.array([1e-6]))[0]

    assert shape[[0, 23, 88, 95]] == pytest.approx(1.0)
    assert shape[[24, 48, 87]] == pytest.approx(0.0)
    assert shape.mean() == pytest.approx(8.0 / 24.0)


def test_running__with_ramps__has_the_trapezium_s_area() -> None:
    shape = running(np.array([8.0]), np.array([9.0]), np.array([1.0]))[0]

    assert shape.sum() / 4.0 == pytest.approx(9.0 - 1.0, rel=1e-3)


def test_habit__late_in_the_evening__is_the_same_on_both_sides_of_midnight() -> None:
    shape = habit(np.array([0.0]), np.array([1.5]))[0]

    assert shape == pytest.approx(shape[::-1])


def test_thermostat__hot_cold_and_mild__is_always_never_and_proportional() -> None:
    set_c, band_k = np.array([20.0, 40.0, 25.0]), np.array([5.0, 5.0, 10.0])

    duty = thermostat(30.0, 2.0, set_c, band_k)

    assert duty[0] == pytest.approx(1.0)
    assert duty[1] == pytest.approx(0.0)
    assert duty[2].mean() == pytest.approx((30.0 - 25.0) / 10.0)


def test_moved__with_a_loss__keeps_energy_but_for_the_loss() -> None:
    load = np.random.default_rng(3).uniform(1.0, 2.0, (5, QUARTERS))
    share, loss = np.linspace(0.0, 0.8, 5), np.full(5, 0.1)

    after = moved(load, share, loss)

    peak = between(PEAK_HOURS)
    taken = share * load[:, peak].sum(axis=1)
    assert after.sum(axis=1) == pytest.approx(load.sum(axis=1) + 0.1 * taken)
    assert after[:, peak] == pytest.approx((1.0 - share[:, None]) * load[:, peak])
    elsewhere = ~peak & ~between(NIGHT_HOURS)
    assert np.array_equal(after[:, elsewhere], load[:, elsewhere])


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("base_load", 0.80, 0.97),
        ("peak_shaver", 0.27, 0.45),
        ("flexible", 0.38, 0.60),
        ("critical", 0.66, 0.88),
    ],
)
def test_load_factor__middle_of_a_class__lies_in_its_range(
    drawn: Customers, name: str, low: float, high: float
) -> None:
    factor = (drawn.mean_w / drawn.peak_w)[drawn.kind == list(CLASSES).index(name)]

    tenth, median, ninth = np.quantile(factor, [0.15, 0.5, 0.9])
    assert low - 0.05 < tenth < median < ninth < high + 0.05


def test_classes__by_load_factor_alone__overlap(drawn: Customers) -> None:
    factor = drawn.mean_w / drawn.peak_w
    low, high = (factor[drawn.kind == k] for k in (1, 2))

    assert np.quantile(low, 0.95) > np.quantile(high, 0.1)


def test_classes__clustered_without_labels__are_found_but_not_all(drawn: Customers) -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    space = features(drawn)
    found = KMeans(4, n_init=4, random_state=0).fit_predict(space)

    assert 0.93 < adjusted_rand_score(drawn.kind, found) < 1.0
    assert silhouette_score(space, drawn.kind, sample_size=1500, random_state=0) > 0.48


def test_load_factor__rule_of_quantiles__does_not_find_the_classes(drawn: Customers) -> None:
    from sklearn.metrics import adjusted_rand_score

    factor = drawn.mean_w / drawn.peak_w
    quarter = np.searchsorted(np.quantile(factor, [0.25, 0.5, 0.75]), factor)

    assert adjusted_rand_score(drawn.kind, quarter) < 0.7


def test_flexible_w__by_class__is_large_where_load_is_moved(drawn: Customers) -> None:
    peak = drawn.working_w[:, between(PEAK_HOURS)].mean(axis=1)
    share = drawn.flexible_w / peak
    by_class = [float(np.median(share[drawn.kind == k])) for k in range(4)]

    assert by_class[2] > 0.4 > by_class[1] > 0.15 > by_class[0] > by_class[3] >= 0.0


def test_price_response__as_estimated__scatters_around_the_true_share(drawn: Customers) -> None:
    peak = drawn.working_w[:, between(PEAK_HOURS)].mean(axis=1)

    error = drawn.price_response - drawn.flexible_w / peak

    assert abs(error.mean()) < 0.005
    assert 0.03 < error.std() < 0.045


def test_feeders__share_of_customers__follows_their_load(mumbai: Substation, drawn: Customers) -> None:
    base = np.array([feeder.base_mw for feeder in mumbai.feeders])

    found = np.bincount(drawn.point, minlength=base.size) / COUNT

    assert found == pytest.approx(base / base.sum(), abs=0.03)


def test_draw_customers__seeds__same_for_the_same_and_else_another(
    mumbai: Substation, drawn: Customers
) -> None:
    again = draw_customers(mumbai, COUNT, "small", 11)
    other = draw_customers(mumbai, COUNT, "small", 12)

    assert np.array_equal(again.working_w, drawn.working_w)
    assert not np.array_equal(other.working_w, drawn.working_w)


def test_vocabulary__of_table_and_simulator__is_one() -> None:
    assert tuple(CLASSES) == TABLE_CLASSES
    assert SECTORS == TABLE_SECTORS


def test_write_customers__twice__same_bytes_that_keep_their_contract(
    mumbai: Substation, small_profile: Profile, tmp_path: Path
) -> None:
    plan = msgspec.structs.replace(small_profile.simulation, customers=400)
    profile = msgspec.structs.replace(small_profile, simulation=plan)
    paths = [tmp_path / name / "customers-00000.parquet" for name in ("one", "two")]

    rows = [write_customers(path, mumbai, profile) for path in paths]

    assert rows == [400, 400]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert inspect(CUSTOMERS, paths[0], SubstationFacts.of(mumbai)).counts() == {}
    table = pq.read_table(paths[0], partitioning=None)
    assert table.column("customer").to_pylist() == sorted(table.column("customer").to_pylist())
