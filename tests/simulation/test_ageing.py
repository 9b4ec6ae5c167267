"""The equipment of a real station over two years: lives, counters, gases, and the table of them."""

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
from simulation.ageing.kinds import KINDS, fleet_of
from simulation.ageing.lives import live
from simulation.grid import BoundaryHour
from simulation.pool import Job, Workers, solve_assets
from simulation.tables.assets import write_assets
from simulation.tables.customers import write_customers
from substations.description import Substation
from switchyard.profiles import Profile
from tests.simulation.ageing_pieces import SOURCE_MVA, cumulative_hazards, fleet, stress


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(small_profile.simulation, asset_years=2)
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def observed(mumbai: Substation, profile: Profile) -> Observation:
    return observe_assets(mumbai, Span.of(profile), SOURCE_MVA)


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
