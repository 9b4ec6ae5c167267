"""Studies of pandapower networks against closed forms and pandapower itself."""

from pathlib import Path

import numpy as np
import pytest

from studies.errors import StudyError
from studies.opendss import faults as circuits
from studies.pandapower import contingency, faults, opf, powerflow, timeseries
from studies.pandapower.network import read_network
from studies.profile import Profile, read_profile
from studies.result import Study


def by(study: Study, table: str, **where: object) -> list[dict]:
    found = next(one for one in study.tables if one.name == table)
    return [row for row in found.records() if all(row[name] == value for name, value in where.items())]


def edited(network: Path, tmp_path: Path, change) -> Path:
    import pandapower as pp

    net = read_network(network)
    change(net)
    pp.to_json(net, str(tmp_path / "edited.json"))
    return tmp_path / "edited.json"


def test_powerflow__ring__balances_and_is_in_the_circuits_units(network: Path) -> None:
    found = powerflow.study(network)

    injected = -sum(row["p_kw"] for row in by(found, "injections"))
    assert injected == pytest.approx(found.facts["branch_losses_kw"], abs=1e-3)
    station = by(found, "buses", bus="station")[0]
    assert station["v_ll_kv"] == pytest.approx(20.0 * station["v_pu"])
    assert found.facts["iterations"] >= 1
    assert {row["branch"] for row in by(found, "branches")} == {
        "line.east",
        "line.west",
        "line.tie",
        "trafo.main",
    }


def test_powerflow__one_phase_loaded__is_solved_by_phase(network: Path, tmp_path: Path) -> None:
    import pandapower as pp

    file = edited(
        network, tmp_path, lambda net: pp.create_asymmetric_load(net, 2, p_a_mw=2.0, q_a_mvar=0.5, name="odd")
    )
    found = powerflow.study(file)

    east = {row["phase"]: row["v_pu"] for row in by(found, "buses", bus="east")}
    assert set(east) == {1, 2, 3}
    assert east[1] < min(east[2], east[3])
    balanced = powerflow.study(file, three_phase=False)
    assert by(balanced, "buses", bus="east")[0]["phase"] == 0
    assert balanced.notes


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_faults__bolted__are_pandapowers_own(network: Path) -> None:
    import pandapower.shortcircuit as sc

    found = faults.study(network)

    net = read_network(network)
    net.trafo["power_station_unit"] = False
    net.sgen["in_service"] = False
    assert found.notes == ("currents of 1 static generators (converters) are not counted",)
    for kind, name in (("LLL", "3ph"), ("LL", "2ph"), ("LG", "1ph")):
        sc.calc_sc(net, fault=name, case="max")
        stated = dict(zip(net.bus.name, net.res_bus_sc.ikss_ka, strict=True))
        for row in by(found, "faults", type=kind):
            assert row["i_ka"] == pytest.approx(stated[row["bus"]], rel=1e-6), row
    # Of two phases to earth: 3·I0 of the standard's formula, √3·c·Un/|Z1 + 2·Z0|.
    row = by(found, "faults", type="LLG", bus="east")[0]
    z1, z0 = complex(row["r1_ohm"], row["x1_ohm"]), complex(row["r0_ohm"], row["x0_ohm"])
    assert row["i_earth_ka"] == pytest.approx(np.sqrt(3) * 1.1 * 20.0 / abs(z1 + 2 * z0), rel=1e-6)


def test_faults__dips__fall_to_zero_at_the_fault_and_less_far_away(network: Path) -> None:
    found = faults.study(network, kinds=("LLL",), buses=["east"])

    left = {row["bus"]: row["lowest_v_pu"] for row in by(found, "dips")}
    assert by(found, "faults", bus="east")[0]["buses_below_0_9_pu"] == sum(v < 0.9 for v in left.values())
    assert left["east"] == pytest.approx(0.0, abs=1e-9)
    assert left["east"] < left["west"] < left["station"] < left["grid"] < 1.0
    at = {
        row["bus"]: complex(row["r1_ohm"], row["x1_ohm"])
        for row in by(faults.study(network), "faults", type="LLL")
    }
    # Transfer from the station: the lines of the ring in parallel, 1 to 2.
    line = 5.0 * complex(0.12, 0.11)
    assert at["east"] == pytest.approx(at["station"] + line * 2 / 3, rel=1e-6)


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
@pytest.mark.parametrize("z_fault", [0.0, 2.0 + 1.0j])
def test_faults__behind_a_delta__leave_the_voltages_of_opendss(
    network: Path, tmp_path: Path, z_fault: complex
) -> None:
    def behind_a_delta(net) -> None:
        net.trafo["vector_group"], net.trafo["shift_degree"] = "Dyn", 30.0
        net.line["c0_nf_per_km"] = net.line["c_nf_per_km"] = 0.0

    found = faults.study(edited(network, tmp_path, behind_a_delta), z_fault=z_fault)

    at = {row["bus"]: row for row in by(found, "faults", type="LLL")}
    grid = complex(at["grid"]["r1_ohm"], at["grid"]["x1_ohm"])
    # The transformer as IEC 60909 corrects it, in % of 25 MVA at 20 kV.
    own = complex(at["station"]["r1_ohm"], at["station"]["x1_ohm"]) - grid * (20.0 / 110.0) ** 2
    pct = 100.0 * own / (20.0**2 / 25.0)
    (tmp_path / "same.dss").write_text(
        f"""Clear
New Circuit.same basekv=110 bus1=grid angle=0 z1=[{grid.real}, {grid.imag}] z0=[{grid.real}, {grid.imag}]
New Transformer.main buses=[grid station] conns=[delta wye] kvs=[110 20] kvas=[25000 25000]
~ xhl={pct.imag} %rs=[{pct.real / 2} {pct.real / 2}] %noloadloss=0 ppm=0
New Linecode.x nphases=3 units=km r1=0.12 x1=0.11 r0=0.4 x0=0.4 c1=0 c0=0
New Line.east bus1=station bus2=east linecode=x length=5 units=km
New Line.west bus1=station bus2=west linecode=x length=5 units=km
New Line.tie bus1=east bus2=west linecode=x length=5 units=km
Set VoltageBases=[110 20]
CalcV
Solve
"""
    )
    engine = circuits.study(tmp_path / "same.dss", z_fault=z_fault)
    for row in by(found, "dips"):
        same = by(engine, "dips", **{name: row[name] for name in ("fault_bus", "type", "phases", "bus")})[0]
        for phase in ("v_1_pu", "v_2_pu", "v_3_pu"):
            # pandapower's transformer has its magnetising impedance in the zero sequence.
            assert row[phase] == pytest.approx(same[phase], abs=3e-3), (row, same)
    assert len(by(found, "dips")) == 4 * 4 * 4
    # An earth fault behind the delta: one phase of the other side keeps its voltage.
    seen = by(found, "dips", type="LG", fault_bus="station", bus="grid")[0]
    assert max(seen[f"v_{k}_pu"] for k in (1, 2, 3)) > 0.99 > seen["lowest_v_pu"]


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_faults__transformers_in_a_loop_that_turn_differently__says_why_no_dips(
    network: Path, tmp_path: Path
) -> None:
    import pandas as pd

    def twice(net) -> None:
        net.trafo = pd.concat(
            [net.trafo, net.trafo.assign(name="second", shift_degree=150.0)], ignore_index=True
        )

    found = faults.study(edited(network, tmp_path, twice), kinds=("LLL",))

    assert [table.name for table in found.tables] == ["faults"]
    assert any("turn by different angles" in note for note in found.notes)


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_faults__through_a_resistance__is_thevenin(network: Path) -> None:
    row = by(faults.study(network, kinds=("LG",), z_fault=5.0), "faults", bus="west")[0]

    z1, z0 = complex(row["r1_ohm"], row["x1_ohm"]), complex(row["r0_ohm"], row["x0_ohm"])
    assert row["i_ka"] == pytest.approx(np.sqrt(3) * 1.1 * 20.0 / abs(2 * z1 + z0 + 15.0), rel=1e-6)


def test_faults__no_zero_sequence_data__leaves_them_out_and_says_so(network: Path, tmp_path: Path) -> None:
    file = edited(network, tmp_path, lambda net: net.line.drop(columns="r0_ohm_per_km", inplace=True))

    found = faults.study(file)

    assert {row["type"] for row in by(found, "faults")} == {"LLL", "LL"}
    assert any("zero-sequence" in note for note in found.notes)
    assert {row["type"] for row in by(found, "dips")} == {"LLL", "LL"}
    with pytest.raises(StudyError, match="r0_ohm_per_km"):
        faults.study(file, kinds=("LG",))


def test_contingency__ring__transformer_first_then_the_loaded_lines(network: Path) -> None:
    found = contingency.study(network)

    rows = by(found, "contingencies")
    assert rows[0]["outage"] == "trafo.main"
    assert rows[0]["lost_mw"] == pytest.approx(11.0)
    assert {row["outage"]: row["lost_mw"] for row in rows[1:]} == {
        "line.east": 0.0,
        "line.west": 0.0,
        "line.tie": 0.0,
    }


def test_opf__free_sun__runs_at_its_limit_and_the_grid_sets_the_price(network: Path) -> None:
    found = opf.study(network)

    rows = {row["unit"]: row for row in by(found, "dispatch")}
    assert rows["sgen.sun"]["p_mw"] == pytest.approx(3.0, abs=1e-3)
    assert rows["sgen.sun"]["at_limit"] is True
    assert rows["ext_grid.0"]["price_per_mwh"] == pytest.approx(50.0, rel=1e-3)
    assert found.facts["cost_per_h"] == pytest.approx(50.0 * rows["ext_grid.0"]["p_mw"], rel=1e-6)


def test_opf__no_costs__says_what_is_missing(network: Path, tmp_path: Path) -> None:
    file = edited(network, tmp_path, lambda net: net.poly_cost.drop(net.poly_cost.index, inplace=True))

    with pytest.raises(StudyError, match="no unit states a cost"):
        opf.study(file)


def test_timeseries__profile__multiplies_loads(network: Path, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,load.*,load.west\n00:00,1,1\n12:00,0.5,0\n")

    found = timeseries.study(network, read_profile(tmp_path / "day.csv"))

    rows = by(found, "steps")
    # 6 of 11 MW halved, 5 MW gone; 2 MW of sun in both.
    assert rows[0]["sources_mw"] == pytest.approx(11.0 - 2.0, rel=0.02)
    assert rows[1]["sources_mw"] == pytest.approx(3.0 - 2.0, rel=0.06)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1 column 2"),
        ("[1]", "not a pandapower network"),
        ('{"_class": "pandapowerNet", "_module": "os.path", "_object": {}}', "module os.path"),
    ],
)
def test_read_network__another_file__says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "net.json").write_text(text)

    with pytest.raises(StudyError, match=says):
        read_network(tmp_path / "net.json")


def test_powerflow__too_much_load__says_that_it_does_not_converge(network: Path, tmp_path: Path) -> None:
    file = edited(network, tmp_path, lambda net: net.load.__setitem__("p_mw", 4000.0))

    with pytest.raises(StudyError, match="does not converge"):
        powerflow.study(file)


def test_read_profile__a_word_among_the_numbers__names_row_and_column(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,load.*\n0,1\n1,one\n")

    with pytest.raises(StudyError, match=r"row 3, column load\.\*: 'one'"):
        read_profile(tmp_path / "day.csv")


def test_profile__own_column__goes_before_the_class() -> None:
    profile = Profile(("a",), {"load.west": np.zeros(1), "load.*": np.ones(1)})

    assert {name: float(v[0]) for name, v in profile.factors_of(["load.east", "load.west"]).items()} == {
        "load.east": 1.0,
        "load.west": 0.0,
    }
