"""Whole ingestions: what becomes data, what is rejected and why, and what stops them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.dataset import Dataset
from ingestion.errors import IngestionError
from ingestion.listing import datasets
from tests.ingestion.conftest import load_rows, mapping_text


def test_ingest__clean_file__dataset_is_read_with_its_digest_sources_and_calendar(bench, home):
    found = bench.run(bench.file(load_rows()))
    dataset = Dataset.open(home.dataset("north"))
    rows = dataset.read("load")
    assert found.accepted == rows.num_rows == 400
    assert dataset.manifest.origin == "ingested"
    assert found.digest == dataset.digest
    about = dataset.manifest.observed.tables["load"]
    assert (about.step_s, about.first, about.last) == (900.0, "2024-01-01T00:00:00Z", "2024-01-05T03:45:00Z")
    assert about.sources[0].file == "load.csv"
    assert 3e6 < rows["p_w"][0].as_py() < 8e6
    # Midnight UTC is one o'clock in Berlin in winter; 1 January 2024 is a Monday.
    assert (rows["hour_local"][0].as_py(), rows["day_of_week"][0].as_py()) == (1.0, 0)
    assert rows["ambient_c"].null_count == 400
    assert [path.stem.rpartition("-")[0] for path in dataset.files("load")] == ["feeder_a"]
    (listed,) = datasets(home)
    assert (listed.name, listed.origin, listed.rows, listed.quarantined) == ("north", "ingested", 400, 0)


def test_ingest__same_files_again__gives_the_same_digest(bench):
    path = bench.file(load_rows())
    assert bench.run(path).digest == bench.run(path, dataset="other").digest


def test_ingest__bad_rows__are_quarantined_with_rule_row_and_original(bench, home):
    lines = load_rows()
    lines[9] = lines[9].partition(",")[0] + ",abc"
    lines[19] = "yesterday,5.0"
    lines[29] = lines[28]
    lines[39] = lines[39].partition(",")[0] + ",655.34"
    lines[49] = lines[49].partition(",")[0] + ",99.0"
    lines[59] = "cut"
    lines[69] = lines[69].partition(",")[0] + ","
    found = bench.run(bench.file(lines), mapping_text(overflow="[655.34]"))
    rules = {one.rule: one.row for one in found.rejected}
    assert rules == {
        "p_w.unreadable": 10,
        "time_unreadable": 20,
        "unique_key": 30,
        "p_w.overflow": 40,
        "load_range": 50,
        "row_shape": 60,
        "p_w.present": 70,
    }
    assert (found.accepted, found.quarantined) == (393, 7)
    rows = pq.read_table(home.quarantine / "north" / "load" / "part-00000.parquet").to_pylist()
    by_rule = {row["rule"]: row for row in rows}
    assert by_rule["p_w.unreadable"]["original"] == '{"load": "abc", "time": "2024-01-01T02:15:00+00:00"}'
    assert by_rule["p_w.overflow"]["p_w"] == pytest.approx(655.34e6)
    assert by_rule["row_shape"]["original"] == "cut"
    assert all(row["source_file"] == "load.csv" for row in rows)
    # Nothing is filled in: seven rows are missing.
    (gaps,) = [one for one in found.findings if one.rule == "gaps"]
    assert gaps.message.startswith("7 rows are missing in 7 gaps")


def test_ingest__too_many_rejects__publishes_nothing_and_tells_the_first(bench, home):
    lines = load_rows()
    lines[100:140] = [line.partition(",")[0] + ",x" for line in lines[100:140]]
    with pytest.raises(IngestionError, match=r"40 of 400 rows \(10.00%\).*row 101: load = 'x'"):
        bench.run(bench.file(lines))
    assert not home.dataset("north").exists()
    assert (home.quarantine / "north" / "load" / "part-00000.parquet").exists()
    assert list(home.staging.iterdir()) == []


@pytest.mark.parametrize(
    ("lines", "changes", "said"),
    [
        ([line.replace(",", ",-") for line in load_rows()], {}, "reversed_polarity.*sign to -1"),
        (load_rows(), {"unit": "kW"}, "wrong_unit.*set unit to MW"),
        (
            [f"{t},{float(p) * 1000:.0f}" for t, p in (x.split(",") for x in load_rows())],
            {},
            "wrong_unit.*unit to kW",
        ),
    ],
)
def test_ingest__systematic_error__stops_with_the_remedy(bench, home, lines, changes, said):
    with pytest.raises(IngestionError, match=said):
        bench.run(bench.file(lines), mapping_text(**changes))
    assert not home.dataset("north").exists()


def test_ingest__accepted_finding__goes_on(bench):
    lines = [line.replace(",", ",-") for line in load_rows()]
    assert bench.run(bench.file(lines), mapping_text(accept="[reversed_polarity]")).published


def test_ingest__unlisted_overflow__is_suspected_by_the_registers_end(bench):
    lines = [f"{x.partition(',')[0]},{float(x.split(',')[1]):.2f}" for x in load_rows()]
    lines[77] = lines[77].partition(",")[0] + ",327.67"
    with pytest.raises(
        IngestionError, match=r"overflow_suspected: .*load = 327.67 in 1 rows.*row 78.*add 327.67"
    ):
        bench.run(bench.file(lines))


def test_ingest__header_says_another_unit__stops(bench):
    path = bench.file(load_rows(), header="time,load_kw")
    with pytest.raises(IngestionError, match=r"header_unit.*says kW, and the mapping says MW"):
        bench.run(path, mapping_text(column="load_kw"))


def test_ingest__local_time_called_utc__is_found_by_its_repeated_hour(bench):
    # What a meter on German time writes on 27 October 2024: the hour from two to three twice.
    local = [f"2024-10-27T{h:02d}:{m:02d}:00,5.0" for h in (0, 1, 2, 2, 3, 4) for m in (0, 15, 30, 45)]
    path = bench.file([*(line.replace("27T", "26T") for line in local[:8]), *local])
    with pytest.raises(IngestionError, match=r"clock_set_back.*row 21"):
        bench.run(path, mapping_text(written="UTC", share=0.5))
    found = bench.run(path, mapping_text(written="local", ambiguous="in_order"))
    assert found.quarantined == 0


def test_ingest__utc_called_local__is_found_by_an_hour_that_does_not_exist(bench):
    path = bench.file([line.replace("+00:00", "") for line in load_rows(96, "2024-03-31T00:00:00Z")])
    found = bench.run(path, mapping_text(written="local"))
    assert [(one.rule, one.rows) for one in found.rejected] == [("time_nonexistent", 4)]


def test_ingest__file_cut_within_a_value__last_row_is_not_trusted(bench):
    lines = load_rows()
    lines[-1] = lines[-1][:-3]
    found = bench.run(bench.file(lines, end=""))
    assert [(one.rule, one.row) for one in found.rejected] == [("file_end", 400)]


def test_ingest__file_cut_within_a_line__line_is_quarantined(bench):
    lines = load_rows()
    lines[-1] = lines[-1][:7]
    found = bench.run(bench.file(lines, end=""))
    assert [(one.rule, one.row) for one in found.rejected] == [("row_shape", 400)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"time,load\n", "no rows"),
        (b"time;load\n2024-01-01T00:00:00Z;5\n", "set file.delimiter.*';'"),
        (b"2024-01-01T00:00:00Z,5.0\n2024-01-01T00:15:00Z,5.0\n", "line 1 looks like data"),
        (b"when,what\n2024-01-01T00:00:00Z,5\n", "there is no column load, time"),
        ("time,load\n2024-01-01T00:00:00Z,5\nJänner,5\n".encode("utf-16"), "not text in utf-8"),
    ],
)
def test_ingest__file_that_is_not_what_it_is_said_to_be__says_what_to_set(bench, tmp_path, content, said):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(IngestionError, match=said) as caught:
        bench.run(path)
    assert caught.value.remedy


def test_ingest__one_file_without_header__is_read_by_the_list_of_names(bench):
    text = mapping_text() + "file: {header: auto, names: [time, load]}\n"
    lines = load_rows()
    files = [bench.file(lines[200:], "b.csv", header=None), bench.file(lines[:200], "a.csv")]
    found = bench.run(files, text)
    assert (found.accepted, found.quarantined) == (400, 0)
    assert [source.file for source in found.sources] == ["a.csv", "b.csv"]


def test_ingest__parquet_with_points_in_a_column__each_point_has_its_part(bench, home, tmp_path):
    t = np.repeat(np.arange(100) * 900_000 + 1_704_067_200_000, 2)
    table = pa.table(
        {
            "when": pa.array(t).cast(pa.timestamp("ms", tz="UTC")),
            "feeder": ["Feeder 1", "Feeder 2"] * 100,
            "kw": np.tile([4000.0, 2000.0], 100),
        }
    )
    path = tmp_path / "load.parquet"
    pq.write_table(table, path)
    text = (
        "table: load\nsubstation: north\ntime_zone: UTC\nfile: {format: parquet}\n"
        "time: {columns: [when], zone: offset, step_s: 900}\npoint_column: feeder\n"
        "points:\n  f1: {label: Feeder 1, rated_mva: 10}\n  f2: {label: Feeder 2, rated_mva: 10}\n"
        "columns: {p_w: {from: kw, unit: kW}}\n"
    )
    assert bench.run(path, text).accepted == 200
    dataset = Dataset.open(home.dataset("north"))
    assert dataset.read("load", kinds=["f2"])["p_w"].to_pylist() == [2e6] * 100
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(IngestionError, match="cannot be read as Parquet"):
        bench.run(path, text, dataset="cut")


def test_ingest__second_table__joins_the_dataset_and_the_first_stays(bench, home):
    bench.run(bench.file(load_rows()))
    seconds = [
        f"2024-01-01T00:{k // 60:02d}:{k % 60:02d}Z,{50 + 0.01 * np.sin(k / 9):.4f}" for k in range(600)
    ]
    seconds[100] = seconds[100].partition(",")[0] + ",0.0"
    text = (
        "table: frequency\nsubstation: north\ntime_zone: Europe/Berlin\n"
        "time: {columns: [time], zone: offset, step_s: 1}\ncolumns: {f_hz: {from: f}}\n"
    )
    path = bench.file(seconds, "f.csv", header="time,f")
    found = bench.run(path, text)
    dataset = Dataset.open(home.dataset("north"))
    assert dataset.tables == ("frequency", "load")
    assert [one.rule for one in found.rejected] == ["frequency_range"]
    # The dropout parts two runs.
    assert set(dataset.read("frequency")["scenario_id"].to_pylist()) == {
        "north.ingested.0.observed.000000",
        "north.ingested.0.observed.000001",
    }
    with pytest.raises(IngestionError, match="has a table frequency"):
        bench.run(path, text)
    again = bench.run(path, text, replace=True)
    assert again.digest == dataset.digest
    mhz = bench.file(
        [f"{t},{float(f) * 1e3:.1f}" for t, f in (line.split(",") for line in seconds)],
        "m.csv",
        header="time,f",
    )
    with pytest.raises(IngestionError, match=r"wrong_unit.*set unit to mHz"):
        bench.run(mhz, text, dataset="mhz")


def test_ingest__no_time_zone__is_asked_for(bench):
    with pytest.raises(IngestionError, match="time_zone is not set"):
        bench.run(bench.file(load_rows()), mapping_text(zone="null"))


def test_ingest__asset_records__are_sorted_by_asset_and_day(bench, home):
    text = (
        "table: assets\nsubstation: north\ntime_zone: UTC\ntime: {columns: [day], zone: UTC}\n"
        "columns:\n  asset: {from: id}\n  h2_ppm: {from: h2}\n  failed_within_30d: {from: label}\n"
        "  kind: {from: type, values: {Trafo: transformer}}\n"
    )
    lines = [f"2024-01-{d:02d},{a},{d},no,Trafo" for d in range(1, 11) for a in ("t2", "t1")]
    bench.run(bench.file(lines, "assets.csv", header="day,id,h2,label,type"), text)
    rows = Dataset.open(home.dataset("north")).read("assets")
    assert rows["asset"].to_pylist() == ["t1"] * 10 + ["t2"] * 10
    assert set(rows["kind"].to_pylist()) == {"transformer"}
    assert rows["failed_within_30d"].to_pylist() == [False] * 20
