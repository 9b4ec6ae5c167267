import json
import os
from pathlib import Path
from unittest.mock import patch

import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from switchyard.cli import main
from switchyard.settings import get_settings


@pytest.fixture
def command(tmp_path):
    """Runs a command line in a home of its own."""
    get_settings.cache_clear()
    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(tmp_path / "home")}):
        yield lambda *words: CliRunner().invoke(main, ["study", *map(str, words)])
    get_settings.cache_clear()


def test_powerflow__parquet_csv_and_json__hold_the_same(command, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    for name in ("a.parquet", "a.csv", "a.json"):
        done = command("powerflow", "--circuit", small, "--out", out / name)
        assert done.exit_code == 0, done.output
        assert f"written: {out / name}" in done.output

    stored = pyarrow.parquet.read_table(out / "a.parquet")
    text = pyarrow.csv.read_csv(out / "a.csv")
    document = json.loads((out / "a.json").read_text())
    assert stored.column_names == text.column_names == list(document["buses"][0])
    assert (
        stored["v_pu"].to_pylist() == text["v_pu"].to_pylist() == [row["v_pu"] for row in document["buses"]]
    )
    assert stored["bus"].to_pylist() == [row["bus"] for row in document["buses"]]
    assert {path.name for path in out.iterdir()} == {
        "a.json",
        *(
            f"a.{table}{end}"
            for table in ("branches", "currents", "injections", "facts")
            for end in (".csv", ".parquet")
        ),
        "a.csv",
        "a.parquet",
    }
    facts = pyarrow.parquet.read_table(out / "a.facts.parquet").to_pylist()[0]
    assert facts["converged"] is True
    assert facts["lowest_at"].startswith("far.")


def test_powerflow__to_the_screen__shows_facts_and_tables(command, small: Path) -> None:
    done = command("powerflow", "--circuit", small, "--rows", "2")

    assert done.exit_code == 0
    for word in ("OpenDSS", "fixed point", "voltages of the nodes", "line.far", "the first 2 of 9", "--out"):
        assert word in done.output


def test_powerflow__json__is_one_value(command, network: Path) -> None:
    done = command("powerflow", "--network", network, "--solver", "pandapower", "--json")

    assert json.loads(done.stdout)["facts"]["converged"] is True


def test_powerflow__does_not_compile__says_where_and_writes_nothing(
    command, small: Path, tmp_path: Path
) -> None:
    (small.parent / "Lines.DSS").write_text("New Line.near bus1=source bus2=middle linecode=gone\n")
    out = tmp_path / "results" / "a.parquet"

    done = command("powerflow", "--circuit", small, "--out", out)

    assert done.exit_code == 1
    assert 'Lines.DSS", line: 1]' in done.stderr
    assert '"gone" not found' in done.stderr
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("powerflow",), "name one file"),
        (("powerflow", "--circuit", "a.dss", "--network", "b.json"), "name one file"),
        (("powerflow", "--circuit", "a.dss", "--solver", "pandapower"), "solved by opendss only"),
        (("opf", "--circuit", "a.dss"), "calculated by pandapower only"),
        (("harmonics", "--network", "a.json"), "calculated by opendss only"),
        (("faults", "--network", "a.json"), "--iec60909"),
        (("faults", "--circuit", "a.dss", "--iec60909"), "is for pandapower"),
        (("timeseries", "--network", "a.json"), "no profiles"),
        (("powerflow", "--circuit", "a.dss", "--out", "a.xlsx"), ".parquet, .csv, .json"),
    ],
)
def test_study__options_that_do_not_fit__are_wrong_use(command, words: tuple[str, ...], says: str) -> None:
    done = command(*words)

    assert done.exit_code == 2
    assert says in done.stderr


@pytest.mark.parametrize("name", ["faults", "harmonics", "contingency", "timeseries"])
def test_study__each_of_a_circuit__is_shown(command, small: Path, name: str) -> None:
    done = command(name, "--circuit", small, "--rows", "3")

    assert done.exit_code == 0, done.output
    assert f"{name}: OpenDSS" in done.output


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_study__each_of_a_network__is_shown(command, network: Path, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,load.*\n0,1\n1,0.5\n")
    for words in (
        ("faults", "--iec60909"),
        ("contingency", "--element", "line"),
        ("opf",),
        ("timeseries", "--profile-file", tmp_path / "day.csv"),
    ):
        done = command(*words, "--network", network)
        assert done.exit_code == 0, done.output
        assert f"{words[0]}: pandapower" in done.output
