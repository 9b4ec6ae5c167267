"""The page `docs/tutorial-circuit.md`, followed from start to end."""

import json
import os
import re
import shlex
from pathlib import Path
from unittest.mock import patch

import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from switchyard.cli import main
from switchyard.settings import get_settings

PAGE = Path(__file__).parents[2] / "docs" / "tutorial-circuit.md"
BLOCK = re.compile(r"(?:Save as `([^`]+)`:\n\n)?```(\w+)( fails)?\n(.*?)```", re.DOTALL)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_tutorial__followed_from_start_to_end__does_what_it_says(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    ran = []
    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(tmp_path / "home")}):
        for file, language, fails, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if file:
                Path(file).parent.mkdir(exist_ok=True)
                Path(file).write_text(text)
            elif language == "python":
                exec(compile(text, str(PAGE), "exec"), {})
            else:
                for line in text.splitlines():
                    program, *words = shlex.split(line)
                    assert program == "switchyard"
                    done = CliRunner().invoke(main, words)
                    assert done.exit_code == (1 if fails else 0), f"{line}\n{done.output}"
                    ran.append((line, done))
    get_settings.cache_clear()

    assert len(ran) == 12
    results = tmp_path / "results"
    flow = pyarrow.parquet.read_table(results / "flow.parquet").to_pylist()
    assert {row["bus"] for row in flow} == {"station", "mill", "farm", "estate"}
    assert (results / "flow.branches.parquet").exists()
    types = pyarrow.csv.read_csv(results / "faults.csv")["type"].to_pylist()
    assert {kind: types.count(kind) for kind in types} == {"LLL": 4, "LG": 12, "LL": 12, "LLG": 12}
    harmonics = next(done.output for line, done in ran if "harmonics" in line)
    assert re.search(r"highest at\s+│\s+mill\.", harmonics)
    violations = json.loads((results / "n-1.json").read_text())["violations"]
    assert any(row["where"] == "line.tie" and row["new"] and row["before"] < 100.0 for row in violations)
    assert len(pyarrow.csv.read_csv(results / "day.csv")) == 3
    broken = next(done for line, done in ran if "Broken" in line)
    assert re.search(r'Broken\.dss", line: 3\]', broken.stderr)
    assert not (results / "broken.parquet").exists()
    assert len(pyarrow.csv.read_csv(results / "dispatch.csv")) == 3
