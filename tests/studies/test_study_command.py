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
        (("harmonics", "--network", "a.json", "--solver", "opendss"), "no spectra"),
        (("opf", "--circuit", "a.dss", "--solver", "pandapower"), "neither costs nor limits"),
        (("timeseries", "--network", "a.json", "--solver", "opendss"), "no profiles"),
        (("opf", "--circuit", "a.dss"), "calculated by pandapower only"),
        (("harmonics", "--network", "a.json"), "calculated by opendss only"),
        (("faults", "--network", "a.json"), "--iec60909"),
        (("faults", "--circuit", "a.dss", "--iec60909"), "is for pandapower"),
        (("contingency", "--network", "a.json", "--voltages", "ll"), "--voltages is for opendss"),
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


def _buses(done) -> dict[str, float]:
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["buses"]
    return {row["bus"]: row["v_pu"] for row in rows if row["phase"] in {0, 1}}


def test_powerflow__network_by_the_other_engine__same_voltages_under_the_same_names(
    command, network: Path
) -> None:
    own, other = (
        _buses(command("powerflow", "--network", network, "--solver", solver, "--json"))
        for solver in ("pandapower", "opendss")
    )

    assert own.keys() == {"grid", "station", "east", "west"}
    assert other == pytest.approx(own, abs=1e-6)


def test_powerflow__circuit_by_the_other_engine__same_voltages_under_the_same_names(
    command, small: Path
) -> None:
    own, other = (
        _buses(command("powerflow", "--circuit", small, "--solver", solver, "--json"))
        for solver in ("opendss", "pandapower")
    )

    assert own.keys() == {"source", "middle", "far"}
    assert other == pytest.approx(own, abs=1e-6)


def test_study__network_by_opendss__takes_names_of_the_network(
    command, network: Path, tmp_path: Path
) -> None:
    source = ("--network", network, "--solver", "opendss", "--json")
    profile = tmp_path / "day.csv"
    profile.write_text("time,load.east,sgen.*\n1,1.0,0.0\n2,0.5,1.0\n")

    struck = command("faults", *source, "--bus", "east", "--type", "LLL")
    outages = command("contingency", *source, "--element", "trafo", "--element", "line.tie")
    series = command("timeseries", *source, "--profile-file", profile)

    assert [row["bus"] for row in json.loads(struck.stdout)["faults"]] == ["east"]
    assert {row["outage"] for row in json.loads(outages.stdout)["contingencies"]} == {
        "trafo.main",
        "line.tie",
    }
    steps = json.loads(series.stdout)
    assert [row["time"] for row in steps["steps"]] == ["1", "2"]
    assert {row["bus"] for row in steps["buses"]} == {"grid", "station", "east", "west"}


def test_study__what_the_other_engine_does_not_know__names_the_file_given(
    command, network: Path, tmp_path: Path
) -> None:
    import pandapower as pp

    net = pp.from_json(str(network))
    net.line.loc[0, "g_us_per_km"] = 2.0
    file = tmp_path / "leaky.json"
    pp.to_json(net, str(file))
    net.line.loc[0, "g_us_per_km"] = 0.0
    net.load.p_mw *= 100.0
    heavy = tmp_path / "heavy.json"
    pp.to_json(net, str(heavy))

    refused = command("powerflow", "--network", file, "--solver", "opendss", "--out", tmp_path / "a.csv")
    unsolved = command("powerflow", "--network", heavy, "--solver", "opendss")

    assert refused.exit_code == unsolved.exit_code == 1
    assert f"{file}: line.east: g_us_per_km 2" in refused.stderr
    assert f"{heavy}: the power flow does not converge" in unsolved.stderr
    assert not (tmp_path / "a.csv").exists()
