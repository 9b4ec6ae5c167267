"""Units, clocks, registers and mappings by themselves."""

import numpy as np
import pyarrow as pa
import pytest

from ingestion import files
from ingestion.clock import Clockwork
from ingestion.errors import IngestionError
from ingestion.files import chunks
from ingestion.following import Register, Sample, Timeline, resolution
from ingestion.mapping import File, parse_mapping
from ingestion.units import conversion, unit_in
from tests.ingestion.conftest import load_rows, mapping_text


@pytest.mark.parametrize(
    ("unit", "into", "value", "expected"),
    [
        ("kW", "W", 1.5, 1500.0),
        ("MW", "W", 2.0, 2e6),
        ("°F", "°C", 212.0, 100.0),
        ("K", "°C", 273.15, 0.0),
        ("mHz", "Hz", 50_010.0, 50.01),
        ("kV", "V", 20.0, 20_000.0),
        ("kvar", "var", 3.0, 3000.0),
        ("km/h", "m/s", 36.0, 10.0),
    ],
)
def test_units__known_pair__converts(unit, into, value, expected):
    factor, offset = conversion("x", unit, into)
    assert factor * value + offset == pytest.approx(expected)


def test_units__power_for_a_voltage__is_refused():
    with pytest.raises(IngestionError, match="v_a_v: unit is 'kW', but the column is in V"):
        conversion("v_a_v", "kW", "V")


@pytest.mark.parametrize(
    ("header", "into", "unit"),
    [
        ("P [kW]", "W", "kW"),
        ("demand_mw", "W", "MW"),
        ("Temp (°F)", "°C", "°F"),
        ("v_a", "V", ""),
        ("Load", "W", ""),
    ],
)
def test_units__header__names_its_unit_or_none(header, into, unit):
    assert unit_in(header, into) == unit


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("earlier", ["00:00", "00:30", "00:00", "00:30"]),
        ("later", ["01:00", "01:30", "01:00", "01:30"]),
        ("in_order", ["00:00", "00:30", "01:00", "01:30"]),
    ],
)
def test_clock__hour_that_comes_twice__is_read_as_the_mapping_says(rule, expected):
    clock = Clockwork(parse_mapping(mapping_text(written="local", ambiguous=rule)))
    found = []
    # Row by row: what passed is remembered from chunk to chunk.
    for text in ("02:00", "02:30", "02:00", "02:30"):
        instants = clock.read(pa.table({"time": [f"2024-10-27 {text}"]}))
        assert not instants.bad.any()
        found.append(str(np.datetime64(int(instants.ms[0]), "ms"))[11:16])
    assert found == expected


def test_clock__offset_where_none_is_expected__is_a_fault():
    clock = Clockwork(parse_mapping(mapping_text(written="local")))
    instants = clock.read(pa.table({"time": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00"]}))
    assert instants.faults["time_offset"].tolist() == [True, False]


def test_register__meters_resolution__is_found_and_its_end_too():
    values = np.array([242.58, 242.98, 243.04, 655.34, 241.0])
    assert resolution(values) == pytest.approx(0.02)
    register = Register()
    register.add(values, "f", np.arange(5))
    assert register.suspects() == {655.34: (1, "f", 3)}
    ordinary = Register()
    ordinary.add(np.array([327.67, 500.01]), "f", np.arange(2))
    assert ordinary.suspects() == {}


def test_timeline__rows_in_two_pieces__gap_between_them_is_counted():
    line = Timeline(1000.0)
    runs = [line.follow(np.array([0, 1000, 2000]), "a", np.arange(1, 4))]
    runs.append(line.follow(np.array([6000, 7000]), "a", np.arange(4, 6)))
    assert np.concatenate(runs).tolist() == [0, 0, 0, 1, 1]
    assert (line.gap_count, line.missing, line.gaps[0].row, line.gaps[0].after_ms) == (1, 3, 4, 2000)


def test_sample__many_rows__stays_small_and_even():
    sample = Sample()
    for k in range(20):
        sample.add({"x": np.arange(5000.0) + 5000 * k}, "f", np.arange(5000) + 5000 * k)
    values = sample.values("x")
    assert len(values) <= 20_000
    assert len(np.unique(np.diff(values))) == 1


def test_chunks__small_blocks__give_the_same_rows_and_numbers(tmp_path, monkeypatch):
    lines = load_rows(500)
    lines[40], lines[300] = "odd", "a,b,c"
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["time,load", *lines]) + "\n")
    whole = list(chunks(path, File(), {"load"}))
    monkeypatch.setattr(files, "BLOCK_BYTES", 700)
    parts = list(chunks(path, File(), {"load"}))
    assert len(parts) > 10
    assert max(len(part.rows) for part in parts) < 50
    rows = np.concatenate([part.rows for part in parts])
    assert rows.tolist() == whole[0].rows.tolist() == [k for k in range(1, 501) if k not in (41, 301)]
    assert [line.row for part in parts for line in part.misshapen] == [41, 301]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unit: MW", "unit: kV", "unit is 'kV'"),
        ("p_w:", "p_kw:", "load takes no column p_kw"),
        ("substation: north", "substation: North Site", "is not a name"),
        ("rated_mva", "rating", "unknown field `rating`"),
        ("sign: 1", "sign: 2", "sign"),
        ("accept: []", "accept: [anything]", "accept names anything"),
        ("table: load", "table: [", "is not YAML"),
    ],
)
def test_mapping__wrong_field__is_named(old, new, said):
    with pytest.raises(IngestionError, match=said):
        parse_mapping(mapping_text().replace(old, new))
