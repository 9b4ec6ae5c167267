"""The commands of docs/tutorial-data.md, followed from start to end."""

import datetime as dt
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data_contracts.dataset import Dataset
from switchyard.cli import main
from switchyard.settings import get_settings

PAGE = Path(__file__).parents[2] / "docs" / "tutorial-data.md"


def commands() -> list[list[str]]:
    return [
        shlex.split(line)[1:]
        for line in re.findall(r"^switchyard .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    ]


def write_feeder(path: Path, quarters: int = 960) -> None:
    rng = np.random.default_rng(6)
    lines = ["Zeit;Load [kW];Temp [°C]"]
    for k in range(quarters):
        clock = (dt.datetime(2024, 1, 13, tzinfo=dt.UTC) + dt.timedelta(minutes=15 * k)).strftime(
            "%d.%m.%Y %H:%M"
        )
        load = 5000.0 + 2000.0 * np.sin(k / 15.3) + 200.0 * rng.random()
        lines.append(f"{clock};{load:.0f};{3.5 + k % 9:.1f}".replace("2024 ", "2024_").replace(".", ","))
    lines = [re.sub(r"^(\d\d),(\d\d),(\d{4})_", r"\1.\2.\3 ", line) for line in lines]
    lines[301] = lines[301].split(";")[0] + ";32767;4,5"
    lines[501] = lines[501][:18]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWITCHYARD_HOME", str(tmp_path / "home"))
    # Settings are read once a process.
    get_settings.cache_clear()
    write_feeder(tmp_path / "feeder.csv")
    yield tmp_path
    get_settings.cache_clear()


def invoke(arguments: list[str], code: int = 0) -> str:
    found = CliRunner().invoke(main, arguments)
    assert found.exit_code == code, found.output
    return found.output


def test_tutorial__its_commands__end_in_a_dataset(there):
    propose, ingest, listing = (one for one in commands() if one[0] in ("ingest", "datasets"))
    assert "CHECK" in invoke(propose)
    mapping = there / "feeder.yaml"
    text = mapping.read_text(encoding="utf-8")
    text = text.replace("time_zone: null", "time_zone: Europe/Berlin")
    text = re.sub(r"rated_mva: \S+", "rated_mva: 12", text)
    mapping.write_text(text, encoding="utf-8")
    shown = invoke(ingest)
    assert "overflow" in shown
    assert "row_shape" in shown
    wrong = there / "wrong.yaml"
    wrong.write_text(text.replace("unit: kW", "unit: MW"), encoding="utf-8")
    told = invoke(
        ["ingest", "feeder.csv", "--table", "load", "--mapping", "wrong.yaml", "--dataset", "wrong"], 1
    )
    error = re.search(r"^error: wrong, .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert error is not None
    assert error[0] in told
    (listed,) = json.loads(invoke([*listing, "--json"]))
    assert (listed["name"], listed["rows"], listed["quarantined"]) == ("town", 958, 2)
    dataset = Dataset.open(there / "home" / "data" / "town")
    assert dataset.manifest.observed.tables["load"].step_s == 900.0
    assert dataset.manifest.observed.tables["load"].gaps == 2


@pytest.mark.slow
def test_tutorial__an_export_of_months__trains_a_model_and_judges_it(there):
    write_feeder(there / "feeder.csv", 96 * 110)
    propose, ingest = (one for one in commands() if one[0] == "ingest")
    invoke(propose)
    mapping = there / "feeder.yaml"
    text = mapping.read_text(encoding="utf-8").replace("time_zone: null", "time_zone: Europe/Berlin")
    mapping.write_text(re.sub(r"rated_mva: \S+", "rated_mva: 12", text), encoding="utf-8")
    invoke(ingest)
    train, evaluate = (one for one in commands() if one[0] in ("train", "evaluate"))
    made = json.loads(CliRunner().invoke(main, [*train, "--json"]).stdout)
    assert (made["name"], made["version"]["version"]) == ("load_forecast.town", 1)
    assert made["version"]["tags"]["split"].startswith("time: validation from 2024-")
    report = json.loads(CliRunner().invoke(main, [*evaluate, "--json"]).stdout)
    value = {one["who"]: one["value"] for one in report["figures"] if one["metric"] == "wape_24h"}
    assert {"persistence", "yesterday", "last_week", "boosted_lags"} < set(value)
    # Yesterday's noise is as large as today's; a mean of several days has less of it.
    assert value["model"] < value["yesterday"]
    assert "true intensity" in invoke(["train", "voltage_sag", "--dataset", "town"], 1)


def test_ingest_command__mapping_is_there__is_not_overwritten(there):
    arguments = ["ingest", "feeder.csv", "--table", "load", "--mapping", "m.yaml", "--propose"]
    invoke(arguments)
    assert "is there already" in invoke(arguments, 1)
    assert "is for the table load" in invoke(
        [*arguments[:2], "--table", "frequency", "--mapping", "m.yaml"], 1
    )
