"""What is found in a file does not depend on where it is cut into blocks, nor into files."""

import itertools

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import files
from ingestion.conversion import Converter
from ingestion.errors import IngestionError
from ingestion.files import Chunk
from ingestion.following import Register
from ingestion.mapping import parse_mapping
from tests.ingestion.conftest import load_rows, mapping_text

START_MS = 1_704_067_200_000
STEP_MS = 900_000
TIMES = st.lists(st.integers(0, 12), min_size=1, max_size=14)
"""Few different times, so that they repeat, fall and run ahead in all ways."""


def chunk(file: str, times: list[str], first: int) -> Chunk:
    data = pa.table({"time": times, "load": ["5.0"] * len(times)})
    return Chunk(file, data, np.arange(first + 1, first + len(times) + 1))


def written(steps: list[int]) -> list[str]:
    """Times as the file has them; 12 is one that cannot be read."""
    ms = START_MS + STEP_MS * np.array(steps, dtype=np.int64)
    return [
        "?" if step == 12 else f"{np.datetime64(int(at), 'ms')}Z" for step, at in zip(steps, ms, strict=True)
    ]


def verdicts(steps: list[int], cuts: set[int], *, per_file: bool = False) -> dict[int, tuple[str, str]]:
    """By row the file that it is said to be of and the rule that it breaks, "" for none."""
    converter = Converter(parse_mapping(mapping_text()))
    bounds = [0, *sorted(cut for cut in cuts if 0 < cut < len(steps)), len(steps)]
    found: dict[int, tuple[str, str]] = {}
    told: list[int] = []
    texts = written(steps)
    blocks = [
        chunk(f"{begin}.csv" if per_file else "a.csv", texts[begin:end], begin)
        for begin, end in itertools.pairwise(bounds)
    ]
    converted = [one for block in blocks for one in converter.blocks(block)] + list(converter.rest())
    for one in converted:
        for row, rule in zip(one.rows.tolist(), one.inspection.broken.tolist(), strict=True):
            found[row] = (one.file, one.inspection.rules[rule].name if rule >= 0 else "")
            told.append(row)
    assert sorted(told) == list(range(1, len(steps) + 1)), "each row once"
    return found


@settings(max_examples=60, deadline=None)
@given(TIMES, st.sets(st.integers(1, 13)))
def test_converter__any_times_and_blocks__judges_rows_as_in_one_block(steps, cuts):
    assert verdicts(steps, cuts) == verdicts(steps, set())


@settings(max_examples=30, deadline=None)
@given(TIMES, st.sets(st.integers(1, 13), max_size=3))
def test_converter__any_times_and_files__judges_rows_as_in_one_file(steps, cuts):
    whole, parts = verdicts(steps, set()), verdicts(steps, cuts, per_file=True)
    assert {row: rule for row, (_, rule) in parts.items()} == {row: rule for row, (_, rule) in whole.items()}
    begins = np.array([0, *sorted(cut for cut in cuts if cut < len(steps))])
    for row, (file, _) in parts.items():
        assert file == f"{begins[begins < row].max()}.csv"


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_converter__row_ahead_at_a_blocks_end__costs_that_row_alone(block):
    for place in range(8):
        steps = list(range(10))
        steps[place] = 11
        found = verdicts(steps, set(range(block, 10, block)))
        assert {row: rule for row, (_, rule) in found.items() if rule} == {place + 1: "time_ahead"}


def test_converter__two_assets_in_turn__follow_each_other_apart():
    text = (
        "table: assets\nsubstation: north\ntime_zone: UTC\ntime: {columns: [time], zone: offset}\n"
        "columns: {asset: {from: asset}, h2_ppm: {from: h2}}\n"
    )
    days = ["01", "01", "02", "02", "20", "03", "03", "04", "04", "05"]
    data = pa.table(
        {
            "time": [f"2024-01-{day}T00:00:00Z" for day in days],
            "asset": ["one", "two"] * 5,
            "h2": ["5"] * 10,
        }
    )

    def ahead(cuts: list[int]) -> list[int]:
        converter = Converter(parse_mapping(text))
        bounds = [0, *cuts, 10]
        blocks = [
            Chunk("a.csv", data.slice(begin, end - begin), np.arange(begin + 1, end + 1))
            for begin, end in itertools.pairwise(bounds)
        ]
        converted = [one for block in blocks for one in converter.blocks(block)] + list(converter.rest())
        return [
            row
            for one in converted
            for row, rule in zip(one.rows.tolist(), one.inspection.broken.tolist(), strict=True)
            if rule >= 0 and one.inspection.rules[rule].name == "time_ahead"
        ]

    assert ahead([]) == ahead([5]) == ahead([4, 6]) == ahead(list(range(1, 10))) == [5]


def troubled() -> list[str]:
    """Rows with something of everything that neighbours tell."""
    # Two decimals are the meter's resolution.
    lines = [line[:-1] for line in load_rows(300, "2024-03-30T00:00:00Z")]
    lines[50] = "2099-01-01T00:00:00+00:00,5.0"
    lines[60] = lines[59]
    lines[70] = "2024-03-30T01:00:00+00:00,5.0"
    lines[80] = "?,5.0"
    for place in (90, 200):
        lines[place] = lines[place].partition(",")[0] + ",327.67"
    lines[120] = lines[120].partition(",")[0] + ",odd"
    del lines[150:155]
    lines[180] = lines[180].replace(":15:00+", ":20:00+")
    return lines


@pytest.mark.parametrize("step", [900, 0])
def test_ingest__any_block_size__finds_the_same(bench, monkeypatch, step):
    text = mapping_text(step=step, share=0.5)
    path = bench.file(troubled())
    found = []
    for size in (1 << 20, 4000, 200, 80):
        monkeypatch.setattr(files, "BLOCK_BYTES", size)
        with pytest.raises(IngestionError, match="overflow_suspected"):
            bench.run(path, text)
        report = (bench.home.reports / "ingest" / "north.load.json").read_bytes()
        found.append(msgspec.json.decode(report))
    assert {one["rule"]: (one["rows"], one["row"]) for one in found[0]["rejected"]} == {
        "time_ahead": (1, 51),
        "unique_key": (1, 61),
        "time_increasing": (1, 71),
        "time_unreadable": (1, 81),
        "p_w.unreadable": (1, 121),
        "load_range": (2, 91),
    }
    assert {(one["rule"], one["row"]) for one in found[0]["findings"]} >= {
        ("overflow_suspected", 91),
        ("irregular_steps", 181),
    }
    assert found[0]["step_s"] == 900.0
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("step", [900, 0])
def test_ingest__any_block_size__gives_the_same_rows(bench, monkeypatch, step):
    path = bench.file([line for line in troubled() if not line.endswith(("327.67", "odd"))])
    digests = set()
    for size in (1 << 20, 300, 80):
        monkeypatch.setattr(files, "BLOCK_BYTES", size)
        digests.add(bench.run(path, mapping_text(step=step, share=0.5), replace=bool(digests)).digest)
    assert len(digests) == 1


def test_ingest__row_ahead_at_a_files_end__does_not_cost_the_next_file(bench):
    lines = load_rows(40)
    lines[19] = "2099-01-01T00:00:00+00:00,5.0"
    first, second = bench.file(lines[:20], "a.csv"), bench.file(lines[20:], "b.csv")
    found = bench.run([first, second])
    assert [(one.rule, one.rows, one.file, one.row) for one in found.rejected] == [
        ("time_ahead", 1, "a.csv", 20)
    ]
    assert (found.accepted, [source.rows for source in found.sources]) == (39, [20, 20])


@pytest.mark.parametrize("size", [1, 3, 50])
def test_register__values_one_by_one__tells_the_same_end(size):
    values = np.array([242.58, 242.98, 655.34, 243.04, 241.0, 655.34, 240.02])
    register = Register()
    for begin in range(0, len(values), size):
        part = slice(begin, begin + size)
        register.add(values[part], "a.csv", np.arange(1, 8)[part])
    assert register.suspects() == {655.34: (2, "a.csv", 3)}
