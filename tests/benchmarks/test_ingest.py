"""The benchmark's file holds what the benchmark says that it holds."""

from benchmarks import ingest
from ingestion.mapping import parse_mapping
from ingestion.run import ingest as run
from switchyard.home import Home


def test_write__faults_in_the_file__are_what_an_ingestion_finds(tmp_path, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_ROWS", 2_000)
    monkeypatch.setattr(ingest, "FAULT_EVERY", 101)
    written = ingest.write(tmp_path / "load.csv", 0.2)
    assert written.megabytes >= 0.2
    found = run(Home(tmp_path), [written.path], parse_mapping(ingest.MAPPING), ingest.MAPPING, "measured")
    assert found.rows == written.rows
    assert {one.rule: one.rows for one in found.rejected} == written.rejected
    assert min(written.rejected.values()) > 10
