"""Files and mappings as they go wrong in practice, ingested from the command line."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ingestion import text
from ingestion.errors import IngestionError
from ingestion.files import chunks
from ingestion.mapping import File, parse_mapping
from ingestion.order import lone_ahead
from ingestion.records import read_record
from ingestion.text import check_text
from switchyard.cli import main
from tests.ingestion.conftest import load_rows, mapping_text
from tests.ingestion.test_records import currents, fault, write_record

WANTED = {"time", "load"}


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Runs `switchyard ingest` on a file and gives its exit code and output."""
    monkeypatch.setenv("SWITCHYARD_HOME", str(tmp_path / "home"))
    mapping = tmp_path / "mapping.yaml"

    def run(path, said=None):
        mapping.write_text(mapping_text() if said is None else said, encoding="utf-8")
        arguments = ["ingest", str(path), "--table", "load", "--mapping", str(mapping), "--dataset", "north"]
        done = CliRunner().invoke(main, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return run


def parquet(path, column):
    times = pa.array(np.arange(40) * 900_000 + 1_704_067_200_000).cast(pa.timestamp("ms", tz="UTC"))
    pq.write_table(pa.table({"time": times, "load": column}), path)
    return path


FORMAT = "file: {format: parquet}\n"
LINES = "\n".join(["time,load", *load_rows(40)]) + "\n"


@pytest.mark.parametrize(
    ("content", "said", "told"),
    [
        (gzip.compress(LINES.encode()), "", ["load.csv is no text", "gzip", "unpack it first"]),
        (gzip.compress(LINES.encode())[:200], "", ["load.csv is no text", "gzip"]),
        (b"PK\x03\x04" + bytes(200), "", ["Excel workbook", "export it as CSV"]),
        (b"PAR1" + bytes(200), "", ["it is Parquet", "set file.format in the mapping to parquet"]),
        (LINES.encode(), FORMAT, ["does not begin as Parquet does", "set file.format in the mapping to csv"]),
        (b"", FORMAT, ["load.csv is empty"]),
        (b"PAR1" + bytes(200), FORMAT, ["its end is missing", "copy or export it again"]),
        (LINES.encode(), "file: {delimiter: ';;'}\n", ["file.delimiter is ';;'", "it is one sign"]),
        (LINES.encode(), "file: {encoding: utf-99}\n", ["file.encoding is 'utf-99'", "no encoding"]),
        (
            LINES.encode(),
            "file: {sep: ';'}\n",
            ["unknown field `sep`", "fields of file are format, encoding"],
        ),
        (LINES.encode(), "acept: []\n", ["unknown field `acept`", "did you mean accept?"]),
        (
            LINES.replace("\n2024-01-01T02:15:00+00:00,", '\n2024-01-01T02:15:00+00:00,"').encode(),
            "",
            ["line 11 has a quotation mark that is not closed", "close the mark"],
        ),
        (LINES.encode() + b"2024-01-01T10:00:00+00:00,\xe1\n", "", ["line 42: 0xe1", "set file.encoding"]),
        (LINES.replace(".", '","').replace(',"', ",").encode(), "", ["rows", "are rejected"]),
    ],
)
def test_ingest__file_or_mapping_that_is_wrong__ends_with_one_and_says_what_to_do(
    terminal, tmp_path, content, said, told
):
    path = tmp_path / "load.csv"
    path.write_bytes(content)
    code, output = terminal(path, mapping_text() + said)
    assert code == 1
    for words in told:
        assert words in output
    assert "what to do: " in output
    assert not (tmp_path / "home" / "data" / "north").exists()


def test_ingest__folder_instead_of_a_file__ends_with_two(terminal, tmp_path):
    code, output = terminal(tmp_path)
    assert code == 2
    assert "is a directory" in output


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pa.array([[5.0]] * 40), "column load is of type list"),
        (pa.array([b"5"] * 40), "column load is of type binary"),
        (pa.array(np.arange(40) * 10**9).cast(pa.timestamp("ns")), "most break p_w.unreadable"),
        (pa.array(["on"] * 40), "most break p_w.unreadable"),
    ],
)
def test_ingest__parquet_column_that_holds_no_numbers__is_named(terminal, tmp_path, column, told):
    code, output = terminal(parquet(tmp_path / "load.parquet", column), mapping_text() + FORMAT)
    assert code == 1
    assert told in output


def test_ingest__parquet_column_of_dictionary_codes__is_read_as_its_values(bench, tmp_path):
    column = pa.array([f"{value:.2f}" for value in np.linspace(3.0, 7.0, 40)]).dictionary_encode()
    found = bench.run(parquet(tmp_path / "load.parquet", column), mapping_text() + FORMAT)
    assert (found.accepted, found.quarantined) == (40, 0)


def test_chunks__parquet_damaged_within__says_so(tmp_path):
    path = parquet(tmp_path / "load.parquet", pa.array(np.random.default_rng(0).random(40)))
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes(200) + whole[240:])
    with pytest.raises(IngestionError, match="cannot be read as Parquet"):
        list(chunks(path, File(format="parquet"), WANTED))


def test_ingest__one_row_far_ahead_of_its_neighbours__costs_that_row_alone(bench):
    lines = load_rows()
    lines[50] = "2099-01-01T00:00:00+00:00,5.0"
    found = bench.run(bench.file(lines))
    assert [(one.rule, one.rows, one.row) for one in found.rejected] == [("time_ahead", 1, 51)]
    assert found.accepted == 399


@pytest.mark.parametrize(
    ("t", "ahead"),
    [
        ([1, 2, 9, 3, 4], [2]),
        ([1, 9, 2, 8, 3, 4], [1, 3]),
        # One row late: what came before it was right.
        ([1, 2, 3, 1, 4, 5], []),
        # A clock set back: the rows before it were right.
        ([1, 2, 3, 4, 2, 3, 4, 5], []),
        # Nobody knows which of the last two is wrong.
        ([1, 2, 9, 3], []),
        ([5, 4, 3, 2, 1], []),
        ([7], []),
        ([], []),
    ],
)
def test_lone_ahead__times_out_of_order__finds_single_rows_only(t, ahead):
    assert np.flatnonzero(lone_ahead(np.array(t, dtype=np.int64), 0)).tolist() == ahead


def test_ingest__long_field__is_cut_in_the_message(bench):
    lines = load_rows()
    lines[3] = lines[3].partition(",")[0] + "," + "x" * 5000
    found = bench.run(bench.file(lines))
    assert len(found.rejected[0].detail) < 120


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_check_text__marks_that_are_closed__pass_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "quoted.csv"
    path.write_bytes('a,"b, c",d\n"x ""y""",2,3\n5" pipe,1,2\n'.encode(encoding))
    check_text(path, encoding, ",")
    path.write_bytes('a,b\n1,"2\n3,4\n'.encode(encoding))
    with pytest.raises(IngestionError, match="line 2 has a quotation mark"):
        check_text(path, encoding, ",")


def test_check_text__trouble_behind_the_first_block__is_told_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "BLOCK_BYTES", 7)
    path = tmp_path / "long.csv"
    good = b"time,load\n" + b"1,2\n" * 50
    path.write_bytes(good + "é,2\n".encode())
    check_text(path, "utf-8", ",")
    path.write_bytes(good + b"\xe9,2\n")
    with pytest.raises(IngestionError, match="line 52: 0xe9"):
        check_text(path, "utf-8", ",")
    path.write_bytes(good + b'1,"2\n' + b"1,2\n" * 9)
    with pytest.raises(IngestionError, match="line 52 has a quotation mark"):
        check_text(path, "utf-8", ",")


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("time: {columns: [t], steps: 5}", "did you mean step_s? fields of time are columns, format"),
        ("time: {columns: [t], ambiguous: inorder}", "use one of reject, earlier, later, in_order"),
        ("columns: {p_w: {from: p, units: MW}}", "did you mean unit?"),
        ("points: {a: {rated_mw: 5}}", "did you mean rated_mva?"),
        ("reject_share: lots", "docs/ingestion.md"),
    ],
)
def test_parse_mapping__field_that_is_wrong__is_told_what_may_stand_there(given, advice):
    with pytest.raises(IngestionError) as caught:
        parse_mapping(f"table: load\nsubstation: north\n{given}\n")
    assert advice in caught.value.remedy


@pytest.mark.parametrize(("said", "told"), [("", "is empty"), ("- a\n", "does not hold fields")])
def test_parse_mapping__no_fields__says_how_to_get_some(said, told):
    with pytest.raises(IngestionError, match=told) as caught:
        parse_mapping(said)
    assert "--propose" in caught.value.remedy


@pytest.mark.parametrize(
    ("share", "told"), [(0.0, "is empty"), (0.02, "not a readable"), (0.5, "it was cut"), (0.9, "it was cut")]
)
def test_read_record__configuration_that_was_cut__says_so(tmp_path, share, told):
    config = write_record(tmp_path, fault(), currents())
    whole = config.read_bytes()
    config.write_bytes(whole[: round(share * len(whole))])
    with pytest.raises(IngestionError, match=told):
        read_record(config, config.with_suffix(".dat"), "utf-8")


@pytest.mark.parametrize("stamp", ["begin", "end"])
def test_ingest__local_time_called_utc__is_found_by_the_hour_that_is_left_out(bench, stamp):
    # What a meter on German time writes on 31 March 2024: no time from two to three.
    hours = [hour for hour in range(24) if hour != 2]
    lines = [f"2024-03-31T{h:02d}:{m:02d}:00,5.{h:02d}" for h in hours for m in (0, 15, 30, 45)]
    path = bench.file(lines)
    said = mapping_text(written="UTC").replace("step_s:", f"stamp: {stamp}, step_s:")
    with pytest.raises(IngestionError, match=r"clock_set_forward.*01:45:00 to .*03:00:00.*row 9"):
        bench.run(path, said)
    assert bench.run(path, mapping_text(written="local")).quarantined == 0


def test_ingest__hour_that_is_missing_elsewhere__is_a_gap(bench):
    lines = [line for line in load_rows(96, "2024-03-30T00:00:00Z") if "T02:" not in line]
    found = bench.run(bench.file([line.replace("+00:00", "") for line in lines]), mapping_text(written="UTC"))
    assert [one.rule for one in found.findings] == ["gaps"]
