"""Proposed mappings: what is guessed of files of several kinds, and that it ingests once the zone is set."""

import datetime as dt

import numpy as np
import pytest

from ingestion.errors import IngestionError
from ingestion.mapping import parse_mapping
from ingestion.proposal import propose
from tests.ingestion.conftest import load_rows

ZONE = ("time_zone: null", "time_zone: Europe/Berlin")


def test_proposal__semicolons_decimal_commas_and_units_in_names__are_seen(bench):
    begin = dt.datetime(2024, 1, 13, tzinfo=dt.UTC)
    lines = []
    for k in range(300):
        clock = (begin + dt.timedelta(minutes=15 * k)).strftime("%d.%m.%Y %H:%M")
        north, south = 1500 + 900 * np.sin(k / 9), 700 + 300 * np.sin(k / 7)
        lines.append(f"{clock};{north:.2f};{7 + k % 5}.5;{south:.1f}")
        fields = lines[-1].split(";")
        lines[-1] = ";".join([fields[0], *(text.replace(".", ",") for text in fields[1:])])
    path = bench.file(lines, header="Zeit;Load North [kW];Temp [°C];Load South [kW]")
    text = propose([path], "load", "town")
    mapping = parse_mapping(text)
    assert (mapping.file.delimiter, mapping.file.decimal) == (";", ",")
    assert (mapping.time.format, mapping.time.zone, mapping.time.step_s) == ("%d.%m.%Y %H:%M", "local", 900.0)
    assert mapping.points["load_north_kw"].columns["p_w"].unit == "kW"
    assert sorted(mapping.points) == ["load_north_kw", "load_south_kw"]
    assert mapping.columns["ambient_c"].column == "Temp [°C]"
    with pytest.raises(IngestionError, match="time_zone is not set"):
        bench.run(path, text)
    found = bench.run(path, text.replace(*ZONE))
    assert (found.accepted, found.quarantined) == (600, 0)


def test_proposal__points_in_a_column__are_listed_with_their_labels(bench):
    lines = [line.replace(",", f",F{k},") for line in load_rows(60) for k in (1, 2)]
    text = propose([bench.file(lines, header="time,feeder_id,p_mw")], "load", "town")
    mapping = parse_mapping(text)
    assert mapping.point_column == "feeder_id"
    assert {name: point.label for name, point in mapping.points.items()} == {"f1": "F1", "f2": "F2"}
    assert mapping.columns["p_w"].unit == "MW"
    assert mapping.time.zone == "offset"


def test_proposal__meter_with_overflow__takes_phases_totals_and_the_registers_end(bench):
    rng = np.random.default_rng(4)
    lines = []
    for k in range(200):
        v, i = 240 + 2 * rng.random(3), 500 + 50 * rng.random(3)
        p = round(float((v * i).sum() * 0.99) / 150) * 150 if k != 120 else 4915050
        clock = (dt.datetime(2023, 8, 31, 11, 50, tzinfo=dt.UTC) + dt.timedelta(seconds=30 * k)).strftime(
            "%Y-%m-%d,%I:%M:%S %p"
        )
        lines.append(f"{clock},{v[0]:.2f},{v[1]:.2f},{v[2]:.2f},{i[0]:.1f},{i[1]:.1f},{i[2]:.1f},{p}")
    volts = "Vrms ph-n AN Avg,Vrms ph-n BN Avg,Vrms ph-n CN Avg"
    header = f"Date,Time,{volts},Current A,Current B,Current C,Active Power Total"
    path = bench.file(lines, header=header)
    text = propose([path], "readings", "plant")
    mapping = parse_mapping(text)
    columns = mapping.points["plant"].columns
    assert mapping.time.columns == ("Date", "Time")
    assert mapping.time.format == "%Y-%m-%d %I:%M:%S %p"
    assert mapping.points["plant"].nominal_kv == 0.415
    assert columns["v_b_v"].column == "Vrms ph-n BN Avg"
    assert columns["p_total_w"].overflow == (4915050.0,)
    found = bench.run(path, text.replace(*ZONE))
    assert [(one.rule, one.row) for one in found.rejected] == [("p_total_w.overflow", 121)]


def test_proposal__frequency_in_mhz_without_header__is_told_by_its_size(bench):
    lines = [f"{1_704_067_200 + k},{60_000 + 10 * np.sin(k / 30):.0f}" for k in range(300)]
    path = bench.file(lines, header=None)
    text = propose([path], "frequency", "east")
    mapping = parse_mapping(text)
    assert (mapping.frequency_hz, mapping.columns["f_hz"].unit, mapping.time.format) == (
        60.0,
        "mHz",
        "unix_s",
    )
    assert bench.run(path, text.replace(*ZONE)).accepted == 300


def test_proposal__no_time__says_so(bench):
    with pytest.raises(IngestionError, match="no column holds times: a, b"):
        propose([bench.file(["x,1.5", "y,2.5", "z,3.5"], header="a,b")], "load", "town")
