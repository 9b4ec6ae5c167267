"""Ageing: temperatures, hazards and lives against closed forms."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables.assets import ASSETS
from data_contracts.tables.assets import KINDS as TABLE_KINDS
from simulation.ageing.campaign import Observation, Span, observe_assets
from simulation.ageing.gases import SAMPLE_D, generated_ppm
from simulation.ageing.hazard import (
    YEAR_D,
    Coefficients,
    Condition,
    hazard_per_day,
    risk_within,
    weibull_hazard,
)
from simulation.ageing.kinds import KINDS, Fleet, fleet_of
from simulation.ageing.lives import live
from simulation.ageing.paths import bus_reactance_ohm, station_paths
from simulation.ageing.stress import Stress
from simulation.ageing.thermal import ageing_rate, equivalent_load, transformer_hot_spot
from simulation.grid import BoundaryHour
from simulation.pool import Job, Workers, solve_assets
from simulation.tables.assets import write_assets
from simulation.tables.customers import write_customers
from substations.description import Substation
from switchyard.profiles import Profile

SOURCE_MVA = 9000.0
AGE_ONLY = Coefficients(*[0.0] * 7)


def fleet(count: int, kind: str = "transformer", age_y: float = 20.0, **more: np.ndarray) -> Fleet:
    """So many pieces of one kind and one age."""
    one = KINDS[kind]

    def all_(value: float) -> np.ndarray:
        return np.full(count, value)

    found = Fleet(
        names=tuple(f"X{k}" for k in range(count)),
        kind=(kind,) * count,
        bay=("X",) * count,
        age_d=all_(age_y * YEAR_D),
        scale_y=all_(one.scale_y),
        shape=all_(one.shape),
        defects_per_y=all_(one.defects_per_y),
        growth_per_d=all_(one.growth_per_d),
        interval_d=all_(one.interval_d),
        quiet_per_d=all_(one.anomalies[0]),
        full_per_d=all_(one.anomalies[1]),
        oil=all_(one.oil).astype(bool),
        gases=all_(one.gases).astype(bool),
        oltc=all_(kind == "transformer").astype(bool),
        breaker=all_(kind == "breaker").astype(bool),
        switched=all_(0).astype(bool),
    )
    return replace(found, **more)


def stress(days: int, count: int) -> Stress:
    """Days that are all alike."""
    names = set(Stress.__dataclass_fields__) - {"ambient_c"}
    values = {"hot_c": 70.0, "ageing": 0.02, "harmonic": 2.0, "load_pu": 0.4, "peak_pu": 0.6, "swing_pu": 0.1}
    arrays = {name: np.full((days, count), values.get(name, 0.0)) for name in names}
    return Stress(ambient_c=np.full(days, 27.0), **arrays)


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(small_profile.simulation, asset_years=2)
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def observed(mumbai: Substation, profile: Profile) -> Observation:
    return observe_assets(mumbai, Span.of(profile), SOURCE_MVA)


def test_hot_spot__rated_load_and_20_degrees__is_98() -> None:
    """IEC 60076-7: rated rises of 52 and 26 K give 98 °C at 20 °C, where paper ages at rate 1."""
    hot = transformer_hot_spot(np.array([20.0]), np.array([1.0]))

    assert hot == pytest.approx([98.0])
    assert ageing_rate(hot) == pytest.approx([1.0])
    assert ageing_rate(hot + 6.0) == pytest.approx([2.0])


def test_hot_spot__half_and_no_load__is_the_standard_s_equation() -> None:
    hot = transformer_hot_spot(np.array([25.0, 25.0]), np.array([0.0, 0.5]))

    assert hot[0] == pytest.approx(25.0 + 52.0 * (1.0 / 7.0) ** 0.8)
    assert hot[1] == pytest.approx(25.0 + 52.0 * (2.5 / 7.0) ** 0.8 + 26.0 * 0.5**1.3)


def test_equivalent_load__of_a_sine_and_of_harmonics__is_that_of_c57_110() -> None:
    load = np.array([0.8])

    assert equivalent_load(load, 1.0) == pytest.approx(load)
    assert equivalent_load(load, 4.0) ** 2 == pytest.approx(load**2 * 1.4 / 1.1)


def test_bus_reactance__behind_one_transformer__is_source_and_transformer_in_series(
    mumbai: Substation,
) -> None:
    x_220 = bus_reactance_ohm(mumbai, "mv1", SOURCE_MVA)

    assert x_220 == pytest.approx(220.0**2 / SOURCE_MVA + 0.125 * 220.0**2 / 315.0)
    assert bus_reactance_ohm(mumbai, "lv1", SOURCE_MVA) == pytest.approx(
        x_220 * (33.0 / 220.0) ** 2 + 0.125 * 33.0**2 / 50.0
    )


def test_paths__feeder_bay_and_transformer__carry_what_hangs_on_them(mumbai: Substation) -> None:
    assets = sorted(mumbai.assets, key=lambda asset: asset.id)
    paths = {asset.id: path for asset, path in zip(assets, station_paths(mumbai, assets), strict=True)}
    feeders = [feeder.id for feeder in mumbai.feeders]

    assert dict(zip(feeders, paths["F331.CB"].weights, strict=True))["F331"] == 1.0
    assert paths["F331.CB"].weights.sum() == 1.0
    on_lv1 = [feeder.bus == "lv1" for feeder in mumbai.feeders]
    assert paths["DTX1"].weights == pytest.approx(np.array(on_lv1, dtype=float))
    below_at1 = [feeder.bus in ("mv1", "lv1") for feeder in mumbai.feeders]
    assert paths["AT1"].weights == pytest.approx(np.array(below_at1, dtype=float))
    assert paths["LV1.VT"].weights.sum() == 0.0
    assert paths["F331.LA"].carries.sum() == 0.0


def condition(**more: float) -> Condition:
    usual = {
        "age_d": 20.0 * YEAR_D, "ageing": 0.01, "moisture_pct": 1.5, "faults_pu": 0.1, "idle_y": 1.0,
        "wear": 0.5, "harmonic": 2.0, "severity": 0.2,
    }  # fmt: skip
    return Condition(**{name: np.atleast_1d(value) for name, value in {**usual, **more}.items()})


@pytest.mark.parametrize(
    ("stressor", "values"),
    [
        ("age_d", np.linspace(1.0, 20000.0, 9)),
        ("ageing", np.geomspace(1e-3, 10.0, 9)),
        ("moisture_pct", np.linspace(0.5, 6.0, 9)),
        ("faults_pu", np.linspace(0.0, 3.0, 9)),
        ("idle_y", np.linspace(0.0, 6.0, 9)),
        ("wear", np.linspace(0.0, 4.0, 9)),
        ("harmonic", np.linspace(1.0, 8.0, 9)),
        ("severity", np.linspace(0.0, 1.0, 9)),
    ],
)
def test_hazard__one_stressor_rises__rises(stressor: str, values: np.ndarray) -> None:
    hazard = hazard_per_day(condition(**{stressor: values}), np.array(50.0), np.array(2.5), Coefficients())

    assert (np.diff(hazard) > 0.0).all()


def test_hazard__without_stress__is_weibull_s() -> None:
    age = np.linspace(0.0, 60.0, 6001) * YEAR_D

    hazard = weibull_hazard(age, np.array(40.0), np.array(2.5))

    together = np.concatenate([[0.0], np.cumsum(0.5 * (hazard[1:] + hazard[:-1]) * np.diff(age))])
    assert together == pytest.approx((age / YEAR_D / 40.0) ** 2.5, abs=1e-5)


def test_risk__without_a_defect__is_that_of_a_constant_hazard() -> None:
    hazard = np.array([1e-5, 1e-3, 0.05])

    risk = risk_within(hazard, np.zeros(3), np.zeros(3), Coefficients())

    assert risk == pytest.approx(1.0 - np.exp(-30.0 * hazard))


def test_risk__defect_that_grows__is_larger_than_with_one_that_rests() -> None:
    hazard, severity = np.array([1e-3]), np.array([0.5])

    growing = risk_within(hazard, severity, np.array([0.02]), Coefficients())

    assert growing > risk_within(hazard, severity, np.array([0.0]), Coefficients())


def test_live__age_alone__survival_is_weibull_s() -> None:
    """Kaplan and Meier's estimate of first failures beside exp(−((t/η)^k − (t₀/η)^k)) within 4 σ."""
    count, days, scale_y, shape = 1000, 1000, 12.0, 3.0
    pieces = fleet(
        count,
        age_y=6.0,
        scale_y=np.full(count, scale_y),
        shape=np.full(count, shape),
        defects_per_y=np.zeros(count),
    )

    lives = live(np.random.default_rng(5), pieces, stress(days, count), AGE_ONLY)

    first = lives.time_to_event_d[0] + 1.0
    died = lives.failed[0]
    t = np.arange(100.0, days, 100.0)
    survival = []
    alive = 1.0
    for k, end in enumerate(t):
        begin = t[k - 1] if k else 1.0
        at_risk = (first >= begin).sum()
        alive *= 1.0 - (died & (first >= begin) & (first < end)).sum() / at_risk
        survival.append(alive)
    age, age0 = (6.0 + t / YEAR_D) / scale_y, (6.0 + 1.0 / YEAR_D) / scale_y
    exact = np.exp(-(age**shape - age0**shape))
    assert np.abs(np.array(survival) - exact) == pytest.approx(0.0, abs=4.0 * np.sqrt(0.25 / count))
    assert died.mean() > 0.2


def test_live__times_rescaled_by_the_hazard__are_unit_exponential(observed: Observation) -> None:
    """Cumulative hazards of spells that end in failure or censoring: D. R. Cox and E. J. Snell's residuals.

    The Nelson–Aalen estimate of their cumulative hazard is the identity; the largest departure below the
    95th percentile is compared with the bound of Kolmogorov's statistic.
    """
    count, days = 600, 900
    pieces, lived = fleet(count, "breaker"), None
    lived = live(np.random.default_rng(8), pieces, stress(days, count))
    residuals, failed = cumulative_hazards(lived)

    order = np.argsort(residuals)
    at_risk = residuals.size - np.arange(residuals.size)
    estimate = np.cumsum(failed[order] / at_risk)
    variance = np.cumsum(failed[order] / at_risk**2)
    inner = (at_risk > 30) & failed[order]
    assert failed.sum() > 200
    assert np.abs(estimate - residuals[order])[inner] == pytest.approx(
        0.0, abs=3.5 * float(np.sqrt(variance[inner].max()))
    )
    # Observed and expected numbers of failures agree.
    assert failed.sum() == pytest.approx(residuals.sum(), abs=4.0 * np.sqrt(failed.sum()))
    residuals, failed = cumulative_hazards(observed.lives)
    assert failed.sum() == pytest.approx(residuals.sum(), abs=4.0 * np.sqrt(failed.sum()))


def cumulative_hazards(lives: object) -> tuple[np.ndarray, np.ndarray]:
    """Integrated hazard of each spell from the end of its first day in service, and whether it failed."""
    found, ends = [], []
    for a in range(lives.hazard.shape[1]):
        for spell in range(int(lives.spell[:, a].max()) + 1):
            rows = np.flatnonzero((lives.spell[:, a] == spell) & lives.in_service[:, a])
            if not rows.size:
                continue
            last, hazard = rows[-1], lives.hazard[rows, a]
            found.append(hazard[:-1].sum() + hazard[-1] * lives.time_to_event_d[last, a])
            ends.append(lives.failed[last, a])
    return np.array(found), np.array(ends)


def test_live__uncensored_times_rescaled__pass_kolmogorov_s_test() -> None:
    """So high a hazard that every spell begun early ends: the test needs no correction for censoring."""
    from scipy.stats import kstest

    count = 400
    pieces = fleet(count, scale_y=np.full(count, 0.3), shape=np.ones(count), defects_per_y=np.zeros(count))
    lives = live(np.random.default_rng(4), pieces, stress(1300, count), AGE_ONLY)

    totals = []
    for a in range(count):
        rows = np.flatnonzero((lives.spell[:, a] == 0) & lives.in_service[:, a])
        assert lives.failed[rows[-1], a]
        totals.append(
            lives.hazard[rows[:-1], a].sum() + lives.hazard[rows[-1], a] * lives.time_to_event_d[rows[-1], a]
        )

    assert kstest(totals, "expon").pvalue > 0.01


def test_censoring__spells_that_do_not_fail__last_to_the_end(observed: Observation) -> None:
    lives = observed.lives
    days = lives.hazard.shape[0]
    left = days - 1.0 - np.arange(days)[:, None]
    censored = lives.in_service & ~lives.failed

    assert lives.time_to_event_d[censored] == pytest.approx(np.broadcast_to(left, censored.shape)[censored])
    assert (lives.time_to_event_d[lives.failed] < np.broadcast_to(left, censored.shape)[lives.failed]).all()
    assert np.isnan(lives.time_to_event_d[~lives.in_service]).all()
    assert (lives.hazard[~lives.in_service] == 0.0).all()


def test_failures__of_a_real_station__have_the_stated_base_rate(observed: Observation) -> None:
    lives = observed.lives
    known = lives.in_service & (lives.failed | (lives.time_to_event_d >= 30.0))
    within = lives.failed & (lives.time_to_event_d <= 30.0)

    assert lives.failures > 60
    assert 0.01 < within[known].mean() < 0.05
    assert lives.risk[known].mean() == pytest.approx(within[known].mean(), rel=0.25)
    for low, high in ((0.3, 0.7), (0.7, 1.0)):
        assert ((lives.risk[known] > low) & (lives.risk[known] <= high)).mean() > 0.004


def test_risk__ranks_what_fails(observed: Observation) -> None:
    from sklearn.metrics import roc_auc_score

    lives = observed.lives
    known = lives.in_service & (lives.failed | (lives.time_to_event_d >= 30.0))
    within = (lives.failed & (lives.time_to_event_d <= 30.0))[known]

    by_hazard = roc_auc_score(within, lives.hazard[known])
    by_age = roc_auc_score(within, lives.recorded["age_d"][known])
    assert by_hazard > 0.95
    assert by_age < by_hazard - 0.2


def test_gases__between_maintenances__only_rise(observed: Observation) -> None:
    rng = np.random.default_rng(2)
    ageing, severity, thermal = rng.uniform(0.0, 2.0, 50), rng.uniform(0.0, 1.0, 50), rng.random(50)

    assert (generated_ppm(ageing, severity, thermal) >= 0.0).all()
    more = generated_ppm(ageing, np.minimum(severity + 0.1, 1.1), thermal) - generated_ppm(
        ageing, severity, thermal
    )
    assert (more > 0.0).all()
    count, days = 20, 1000
    pieces = fleet(count, interval_d=np.full(count, 1e9), scale_y=np.full(count, 1e9))
    lives = live(rng, pieces, stress(days, count))
    sampled = lives.sample_age_d == 0.0
    for a in range(count):
        found = lives.ppm[:, sampled[:, a], a]
        # Six percent of noise on each of two samples.
        assert (np.diff(found, axis=1) > -0.5 * found[:, 1:] - 8.0).all()
        assert (found[:, -1] > found[:, 0]).all()


def test_samples__quiet_transformers__are_half_a_year_apart(observed: Observation) -> None:
    fleet_, lives = observed.fleet, observed.lives
    age = lives.sample_age_d[:, fleet_.gases]

    assert age.max() >= SAMPLE_D - 1
    steps = np.diff(age, axis=0)
    assert ((steps == 1.0) | (age[1:] == 0.0)).all()


def test_counters__in_a_spell__only_rise(observed: Observation) -> None:
    lives = observed.lives
    same = (np.diff(lives.spell, axis=0) == 0) & lives.in_service[1:] & lives.in_service[:-1]

    for name in ("age_d", "insulation_d", "faults", "i2t_ka2s", "oltc", "switchings"):
        assert (np.diff(lives.recorded[name], axis=0)[same] >= 0.0).all(), name
    assert (lives.recorded["idle_d"][lives.maintained] == 0.0).all()


def test_through_faults__on_days_of_the_campaign__are_its_events(
    mumbai: Substation, profile: Profile, observed: Observation
) -> None:
    from simulation.demand import simulate_load
    from simulation.events.intensity import Campaign

    plan = profile.simulation
    loads = simulate_load(mumbai, plan.start, plan.load_days, profile.name, profile.seed)
    events = Campaign.of(mumbai, loads, profile.name, profile.seed)
    row = [feeder.id for feeder in mumbai.feeders].index("F334")
    of_feeder = [k for k, stream in enumerate(events.streams) if (stream.source, stream.row) == ("line", row)]
    mine = np.isin(events.arrivals.stream, of_feeder)
    expected = np.bincount((events.arrivals.hours[mine] / 24.0).astype(int), minlength=plan.load_days)

    breaker = observed.fleet.names.index("F334.CB")
    assert observed.stress.faults[-plan.load_days :, breaker] == pytest.approx(expected)
    assert ((observed.stress.i2t_ka2s > 0.0) == (observed.stress.faults > 0.0)).all()


def test_anomalies__of_week_and_month__are_sums_over_days_of_the_same_spell(observed: Observation) -> None:
    lives = observed.lives
    days, pieces = lives.anomalies.shape
    begin = np.array([np.flatnonzero(lives.spell[:, a] == lives.spell[-1, a])[0] for a in range(pieces)])

    for sums, window in ((lives.anomalies_week, 7), (lives.anomalies_sum, 30)):
        expected = [lives.anomalies[max(days - window, begin[a]) :, a].sum() for a in range(pieces)]
        assert sums[-1].tolist() == expected


def test_fleet__what_comes_later__stands_in_for_an_older_piece(mumbai: Substation) -> None:
    early = fleet_of(mumbai, np.datetime64("2015-01-01"))

    assert (early.age_d > 0.0).all()
    assert list(early.names) == sorted(early.names)


def test_vocabulary__of_description_simulator_and_table__is_one() -> None:
    assert set(KINDS) == set(TABLE_KINDS)


def test_write_assets__twice__same_bytes_that_keep_their_contract(
    mumbai: Substation, profile: Profile, observed: Observation, tmp_path: Path
) -> None:
    short = msgspec.structs.replace(
        profile, simulation=msgspec.structs.replace(profile.simulation, asset_years=1, start=date(2025, 1, 1))
    )
    paths = [tmp_path / name / "assets-00000.parquet" for name in ("one", "two", "both")]

    for path in paths[:2]:
        write_assets(path, mumbai, observe_assets(mumbai, Span.of(short), SOURCE_MVA))
    rows = write_assets(paths[2], mumbai, observed)

    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert rows == observed.lives.hazard.size
    assert inspect(ASSETS, paths[2], SubstationFacts.of(mumbai)).counts() == {}
    labels = pq.read_table(paths[2], partitioning=None, columns=["failed_within_30d"]).column(0)
    assert 0 < labels.null_count < 0.2 * rows


def test_workers__two_of_them_or_this_process__write_the_same_equipment_and_customers(
    mumbai: Substation, profile: Profile, hours: tuple[BoundaryHour, ...], tmp_path: Path
) -> None:
    plan = msgspec.structs.replace(profile.simulation, load_days=3, asset_years=1, customers=50, episodes={})
    job = Job(mumbai, msgspec.structs.replace(profile, simulation=plan), hours)
    here, there = (
        {table: tmp_path / place / f"{table}.parquet" for table in ("assets", "customers")}
        for place in ("here", "there")
    )

    solve_assets(job, here["assets"])
    write_customers(here["customers"], mumbai, job.profile)
    with Workers(2) as pool:
        begun = [pool.begin_assets(job, there["assets"]), pool.begin_customers(job, there["customers"])]
        rows = [pool.result(one) for one in begun]

    assert rows == [365 * len(mumbai.assets), 50]
    for table, path in here.items():
        assert path.read_bytes() == there[table].read_bytes()
