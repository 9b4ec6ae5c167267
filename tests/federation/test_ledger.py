from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from federation.errors import LedgerError
from federation.ledger import GENESIS, Ledger, records, verify


@pytest.fixture
def path(tmp_path):
    ledger = Ledger(tmp_path / "federation" / "ledger.jsonl")
    for number in range(4):
        ledger.append({"round": number, "sites": {"mumbai": {"bytes": 10 * number}}})
    return ledger.path


def test_append__several__chains_them(path):
    found = records(path)
    assert [record["round"] for record in found] == [0, 1, 2, 3]
    assert found[0]["previous"] == GENESIS
    assert [record["previous"] for record in found[1:]] == [record["digest"] for record in found[:-1]]
    assert verify(path).head == found[-1]["digest"]


def test_verify__a_number_changed__names_the_line(path):
    path.write_text(path.read_text().replace('"bytes":20', '"bytes":21'))
    with pytest.raises(LedgerError, match="line 3: the record is not the one"):
        verify(path)


@pytest.mark.parametrize("order", [[0, 2, 3], [0, 2, 1, 3], [1, 2, 3], [0, 1, 1, 2, 3]])
def test_verify__lines_dropped_moved_or_repeated__is_an_error(path, order):
    lines = path.read_text().splitlines()
    path.write_text("".join(lines[at] + "\n" for at in order))
    with pytest.raises(LedgerError, match="does not follow"):
        verify(path)


def test_verify__end_cut_off__is_seen_by_the_head_that_the_version_carries(path):
    head = verify(path).head
    lines = path.read_text().splitlines()
    path.write_text("".join(line + "\n" for line in lines[:-1]))
    assert verify(path).head != head


def test_append__after_a_kill_within_a_line__takes_the_torn_line_away(path):
    with path.open("ab") as handle:
        handle.write(b'{"round": 4, "si')
    with pytest.raises(LedgerError, match="last line is not whole"):
        verify(path)
    Ledger(path).append({"round": 4})
    assert [record["round"] for record in records(path)] == [0, 1, 2, 3, 4]


def test_append__names_of_the_chain__is_an_error(path):
    with pytest.raises(LedgerError, match="previous"):
        Ledger(path).append({"previous": "x"})


def test_append__many_writers_at_once__is_one_chain(path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: Ledger(path).append({"round": number}), range(20)))
    assert verify(path).records == 24


def test_verify__no_json__names_the_line(path):
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(LedgerError, match="line 5: not JSON"):
        verify(path)


def test_records__every_line__is_plain_json(path):
    assert json.loads(path.read_text().splitlines()[0])["sites"] == {"mumbai": {"bytes": 0}}
