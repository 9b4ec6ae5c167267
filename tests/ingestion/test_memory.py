"""Memory does not grow with a file."""

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import resource, sys
from pathlib import Path
from ingestion.mapping import parse_mapping
from ingestion.run import ingest
from switchyard.home import Home
text = Path(sys.argv[1]).read_text()
peaks = []
for name in sys.argv[3:]:
    ingest(Home(Path(sys.argv[2])), [Path(name)], parse_mapping(text), text, Path(name).stem)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(*peaks)
"""
MAPPING = """
table: frequency
substation: east
time_zone: UTC
time: {columns: [t], format: unix_ms, zone: UTC, step_s: 0.1}
columns: {f_hz: {from: f}}
"""


def write(path: Path, rows: int) -> None:
    with path.open("w") as handle:
        handle.write("t,f,station\n")
        for begin in range(0, rows, 10_000):
            handle.write(
                "".join(
                    f"{1_704_067_200_000 + 100 * k},{50 + k % 7 / 1000},somewhere\n"
                    for k in range(begin, begin + 10_000)
                )
            )


@pytest.mark.slow
def test_ingest__file_several_times_as_long__needs_hardly_more_memory(tmp_path):
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    write(tmp_path / "short.csv", 1_300_000)
    write(tmp_path / "long.csv", 4_000_000)
    arguments = [str(tmp_path / name) for name in ("mapping.yaml", "home", "short.csv", "long.csv")]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=True
    )
    short_kb, long_kb = map(int, done.stdout.split())
    assert (tmp_path / "long.csv").stat().st_size > 70e6
    # Kilobytes; the longer file has 80 MB more.
    assert long_kb - short_kb < 50_000
