"""The tables that a harmonic campaign writes: their bytes, their contracts, their agreement."""

from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from data_contracts.tables.waveforms import WAVEFORMS
from data_contracts.tables.waveforms_truth import WAVEFORMS_TRUTH
from simulation.campaign import Summary, simulate_substation
from simulation.grid import BoundaryHour
from simulation.tables.parquet import write_table
from simulation.tables.waveforms import waveform_columns, waveform_truth_columns
from substations.description import Substation
from switchyard.home import Home
from switchyard.profiles import Episodes, Profile

COUNT, SECONDS = 8, 10


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(
        small_profile.simulation,
        start=date(2025, 1, 1),
        part_scenarios=4,
        episodes={"harmonic": Episodes(count=COUNT, seconds=SECONDS)},
    )
    return msgspec.structs.replace(small_profile, name="waves", simulation=plan)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def summary(mumbai: Substation, profile: Profile, hours: tuple[BoundaryHour, ...], home: Home) -> Summary:
    return simulate_substation(mumbai, profile, {"mumbai": hours}, home.staging, 1)


@pytest.fixture(scope="module")
def tables(summary: Summary) -> dict[str, pa.Table]:
    return {
        name: pa.concat_tables(
            pq.read_table(file) for file in sorted((summary.folder / name).glob("*.parquet"))
        )
        for name in ("readings", "waveforms", "waveforms_truth")
    }


def lists(table: pa.Table, name: str) -> np.ndarray:
    return np.stack(table[name].to_numpy()).astype(np.float64)


def test_simulate_substation__two_workers__write_the_same_waveforms(
    mumbai: Substation,
    profile: Profile,
    hours: tuple[BoundaryHour, ...],
    summary: Summary,
    tmp_path: Path,
) -> None:
    two = simulate_substation(mumbai, profile, {"mumbai": hours}, tmp_path, 2)

    names = [file.relative_to(summary.folder) for file in summary.files]
    assert [file.relative_to(two.folder) for file in two.files] == names
    for name in names:
        assert (two.folder / name).read_bytes() == (summary.folder / name).read_bytes(), name


def test_waveforms__every_episode__has_four_captures_in_its_last_second(
    summary: Summary, tables: dict[str, pa.Table]
) -> None:
    found = tables["waveforms"]

    assert summary.rows["waveforms"] == summary.rows["waveforms_truth"] == found.num_rows == 4 * COUNT
    keys = list(zip(found["scenario_id"].to_pylist(), found["point"].to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert lists(found, "v_a_v").shape == (4 * COUNT, 1280)
    readings = tables["readings"].group_by("scenario_id").aggregate([("t", "max")])
    last = dict(zip(readings["scenario_id"].to_pylist(), readings["t_max"].to_pylist(), strict=True))
    assert found["t"].to_pylist() == [last[scenario] for scenario, _ in keys]


def test_waveforms_truth__lists__agree_with_their_figures(tables: dict[str, pa.Table]) -> None:
    truth = tables["waveforms_truth"]

    for quantity in "vi":
        for phase in "abc":
            shares = lists(truth, f"{quantity}_{phase}_h_pct")
            assert shares[:, 0] == pytest.approx(100.0)
            thd = np.sqrt((shares[:, 1:] ** 2).sum(axis=1))
            assert truth[f"thd_{quantity}_{phase}_pct"].to_numpy() == pytest.approx(thd)


def test_waveforms__fundamental__begins_at_the_angle_that_the_truth_states(
    tables: dict[str, pa.Table],
) -> None:
    wave, truth = tables["waveforms"], tables["waveforms_truth"]
    # Half-way through the capture the fundamental has turned by what the frequency is off.
    off_turns = (truth["f_hz"].to_numpy() - 50.0) * 0.1
    for quantity, room in (("v_{}_v", 1.0), ("i_{}_a", 2.5)):
        for phase in "abc":
            found = np.fft.rfft(lists(wave, quantity.format(phase)), axis=1)[:, 10]
            stated = lists(truth, f"{quantity[0]}_{phase}_h_deg")[:, 0] + 360.0 * off_turns
            apart = (np.degrees(np.angle(found)) - stated + 180.0) % 360.0 - 180.0
            assert np.abs(apart).max() < room


def test_readings__harmonic__state_distortion_at_their_points_only(
    mumbai: Substation, tables: dict[str, pa.Table]
) -> None:
    readings = tables["readings"]
    measured = {point.id for point in mumbai.points if "thd" in point.measures}
    point = np.array(readings["point"].to_pylist())
    stated = ~np.isnan(readings["thd_b_pct"].to_numpy())

    assert stated[np.isin(point, sorted(measured))].mean() > 0.98
    assert not stated[~np.isin(point, sorted(measured))].any()
    assert readings["pst"].null_count == readings.num_rows


def test_contracts__harmonic_tables__accept_every_row(
    mumbai: Substation, profile: Profile, home: Home, summary: Summary, tables: dict[str, pa.Table]
) -> None:
    report = enforce_dataset(
        home,
        profile.dataset("mumbai"),
        SubstationFacts.of(mumbai),
        reject_share=0.0,
        tables=("scenarios", "readings", "readings_truth", "waveforms", "waveforms_truth"),
    )

    assert {each.table: each.rejected for each in report.tables} == dict.fromkeys(
        ("scenarios", "readings", "readings_truth", "waveforms", "waveforms_truth"), 0
    )


def test_waveform_columns__no_captures__write_empty_tables(tmp_path: Path) -> None:
    for table, columns in (
        (WAVEFORMS, waveform_columns([], ())),
        (WAVEFORMS_TRUTH, waveform_truth_columns([], ())),
    ):
        assert write_table(tmp_path / table.name, table, columns) == 0
