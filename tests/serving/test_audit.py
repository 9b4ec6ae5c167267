"""The audit log: bounded, whole lines, several writers, nothing of a request unescaped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from serving import audit as module
from serving import metrics
from serving.audit import Audit
from serving.visit import Visit

ROOT = Path(__file__).parents[2]


def visit(number=0, *substations):
    made = Visit(f"r{number}")
    for substation in substations:
        made.denial(substation)
    return made


def lines(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def test_flush__hostile_names__escaped_and_one_line_each(tmp_path):
    log = Audit(tmp_path / "audit.jsonl", 1 << 20, 2)
    names = ["a\r\nb", '"}{"who":"admin', "\x00\x1b[31m", "\u2028", "ü", "../../etc"]
    log.note(visit(1, *names), "/v1/infer", 403, 0.001)
    log.note(visit(2, "mumbai"), "/v1/infer", 200, 0.0005)
    log.flush()
    content = (tmp_path / "audit.jsonl").read_bytes()
    assert content.count(b"\n") == 2
    assert not set(content) & (set(range(32)) - {10})
    first, second = lines(tmp_path / "audit.jsonl")
    assert set(first["substations"]) == set(names)
    assert (second["status"], second["ms"], second["items"], second["who"]) == (200, 0.5, 1, "-")
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o007 == 0


def test_flush__beyond_its_size__rotated_and_no_more_files_than_allowed(tmp_path):
    log = Audit(tmp_path / "audit.jsonl", 4096, 3)
    for number in range(200):
        log.note(visit(number), "/v1/infer", 200, 0.001)
        log.flush()
    files = sorted(path.name for path in tmp_path.glob("audit.jsonl*"))
    assert files == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert all((tmp_path / name).stat().st_size <= 4096 for name in files)
    kept = [line["request_id"] for name in reversed(files) for line in lines(tmp_path / name)]
    assert kept == [f"r{number}" for number in range(200 - len(kept), 200)]


def test_flush__one_file_only__begun_anew(tmp_path):
    log = Audit(tmp_path / "audit.jsonl", 1000, 1)
    for number in range(20):
        log.note(visit(number), "/v1/infer", 200, 0.001)
        log.flush()
    assert [path.name for path in tmp_path.glob("audit.jsonl*")] == ["audit.jsonl"]
    assert lines(tmp_path / "audit.jsonl")[-1]["request_id"] == "r19"


WRITER = """
import sys
from pathlib import Path
from serving.audit import Audit
from serving.visit import Visit

log = Audit(Path(sys.argv[1]), 20_000, 50)
for number in range(200):
    log.note(Visit(f"{sys.argv[2]}-{number}"), "/v1/infer", 200, 0.001)
    if number % 5 == 4:
        log.flush()
"""


def test_flush__three_processes_and_rotation__no_line_lost_or_torn(tmp_path):
    path = tmp_path / "audit.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, str(k)], cwd=ROOT) for k in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    found = [line["request_id"] for file in tmp_path.glob("audit.jsonl*") for line in lines(file)]
    assert sorted(found) == sorted(f"{k}-{number}" for k in range(3) for number in range(200))


def test_note__disk_fails_or_falls_behind__counted_and_nothing_piles_up(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    before = metrics.audit_lost._value.get()
    log = Audit(tmp_path / "file" / "audit.jsonl", 1000, 1)
    for number in range(3):
        log.note(visit(number), "/v1/infer", 200, 0.001)
    log.flush()
    assert metrics.audit_lost._value.get() == before + 3
    monkeypatch.setattr(module, "WAITING", 2)
    for number in range(5):
        log.note(visit(number), "/v1/infer", 200, 0.001)
    assert metrics.audit_lost._value.get() == before + 6


@pytest.mark.parametrize("waiting", [0, 3])
def test_stop__lines_waiting__written(tmp_path, waiting):
    log = Audit(tmp_path / "audit.jsonl", 1 << 20, 2, every_s=60.0)
    log.start()
    for number in range(waiting):
        log.note(visit(number), "/v1/models", 200, 0.001)
    log.stop()
    assert len(lines(tmp_path / "audit.jsonl")) if waiting else not (tmp_path / "audit.jsonl").exists()
