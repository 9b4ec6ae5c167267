"""OpenDSS circuits as pandapower networks: the same voltages and losses, or the element refused by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import substations
from studies.conversion.to_pandapower.network import write_network
from studies.errors import StudyError
from studies.opendss import powerflow as of_circuits
from studies.pandapower import contingency, faults
from studies.pandapower import powerflow as of_networks
from studies.pandapower.network import read_network
from studies.result import Study

TOLERANCE_PU = 1e-6
TOLERANCE_ANGLE_DEG = 1e-4
LOSSES_KVA = 1e-3
ANTI_FLOAT = 1.5e-6
"""Of a transformer's rated power: OpenDSS adds 1e-6 to each winding that nothing may float."""

_TABLES = {"line": "line", "transformer": "trafo", "reactor": "impedance", "capacitor": "impedance"}

SOURCE = "New Circuit.try basekv=20 pu=1.02 bus1=grid angle=12 z1=[0.2, 1.5] z0=[0.4, 3.0]"
CABLE = "New Linecode.cable nphases=3 units=km r1=0.2 x1=0.12 r0=0.8 x0=0.4 c1=250 c0=150"
FEEDER = f"""{SOURCE}
{CABLE}
New Line.first bus1=grid bus2=near linecode=cable length=4 units=km
New Line.second bus1=near bus2=far linecode=cable length=3000 units=m
"""
LOAD = "New Load.{name} bus1={bus} phases=3 kv=20 kw={kw} kvar={kvar} model={model} conn={conn}"
LOADED = LOAD.format(name="a", bus="far", kw=2500, kvar=900, model=1, conn="wye")


@dataclass(frozen=True)
class Both:
    """A circuit in both engines."""

    circuit: Study
    network: Study
    file: Path
    notes: tuple[str, ...]


def written(folder: Path, text: str, bases: str = "[20]") -> Path:
    file = folder / "try.dss"
    file.write_text(
        f"Clear\nSet DefaultBaseFrequency=50\n{text}\nSet VoltageBases={bases}\nCalcVoltageBases\n"
    )
    return file


def solved(folder: Path, text: str, bases: str = "[20]") -> Both:
    return converted(written(folder, text, bases), folder)


def converted(file: Path, folder: Path) -> Both:
    found = write_network(file, folder / "try.json")
    return Both(
        of_circuits.study(file, tolerance=1e-9), of_networks.study(found.file), found.file, found.notes
    )


def rows(study: Study, table: str) -> list[dict[str, Any]]:
    return next(one for one in study.tables if one.name == table).records()


def agree(both: Both, tolerance_pu: float = TOLERANCE_PU) -> None:
    """Voltages in all three phases, and what every branch keeps."""
    there = {row["bus"]: row for row in rows(both.network, "buses")}
    for row in rows(both.circuit, "buses"):
        same = there[row["bus"]]
        assert same["v_pu"] == pytest.approx(row["v_pu"], abs=tolerance_pu), row
        apart = same["angle_deg"] - row["angle_deg"] - 120.0 * (row["phase"] - 1)
        assert (apart + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=TOLERANCE_ANGLE_DEG), row
    branches = {row["branch"]: row for row in rows(both.network, "branches")}
    of_circuit = rows(both.circuit, "branches")
    assert len(branches) == len(of_circuit)
    for row in of_circuit:
        kind, _, name = row["branch"].partition(".")
        same = branches.get(f"{_TABLES[kind]}.{name}") or branches[f"trafo3w.{name}"]
        rated_kva = math.sqrt(3.0) * 110.0 * row["rating_a"] if kind == "transformer" else 0.0
        for column in ("losses_kw", "losses_kvar"):
            assert same[column] == pytest.approx(row[column], abs=LOSSES_KVA + ANTI_FLOAT * rated_kva), row


@pytest.mark.parametrize("conn", ["wye", "delta"])
@pytest.mark.parametrize("model", [1, 2, 5])
def test_load__of_each_model__agrees(model: int, conn: str, tmp_path: Path) -> None:
    load = LOAD.format(name="a", bus="far", kw=2500, kvar=900, model=model, conn=conn)
    # Its nominal voltage is not that of the bus.
    both = solved(tmp_path, FEEDER + load.replace("kv=20", "kv=20.5"))

    agree(both)
    assert {row["branch"] for row in rows(both.network, "branches")} == {"line.first", "line.second"}
    assert [row["element"] for row in rows(both.network, "injections")][-1] == "load.a"


@pytest.mark.parametrize("model", [1, 5])
def test_load__outside_its_band__is_the_impedance_that_opendss_makes_of_it(
    model: int, tmp_path: Path
) -> None:
    load = LOAD.format(name="a", bus="far", kw=4000, kvar=1500, model=model, conn="wye") + " vminpu=1.05"
    both = solved(tmp_path, FEEDER + load)

    agree(both)
    assert any("load.a" in note and "Vminpu" in note for note in both.notes)


def test_loads__impedance_beside_power_and_generation__agree(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        FEEDER
        + "\n".join(
            LOAD.format(name=name, bus="far", kw=kw, kvar=300, model=model, conn="wye")
            for name, kw, model in (("one", 900, 1), ("two", 2100, 2))
        )
        + "\nNew Generator.g bus1=near phases=3 kv=20 kw=700 kvar=-150 model=1\n"
        + "New PVSystem.sun bus1=far phases=3 kv=20 kva=800 pmpp=700 irradiance=0.6\n"
        + LOAD.format(name="three", bus="near", kw=500, kvar=100, model=2, conn="delta"),
    )

    agree(both)
    assert any("load.two, load.three" in note for note in both.notes)
    names = {row["element"] for row in rows(both.network, "injections")}
    assert {"load.one", "shunt.two", "shunt.three", "sgen.g", "sgen.sun"} <= names


def test_loads__of_one_phase__that_are_equal_are_one(tmp_path: Path) -> None:
    loads = [
        f"New Load.a{phase} bus1=far.{phase} phases=1 kv={20 / math.sqrt(3)} kw=600 kvar=200 model=1"
        for phase in (1, 2, 3)
    ]
    banks = [
        f"New Capacitor.c{phase} bus1=near.{phase} phases=1 kv={20 / math.sqrt(3)} kvar=150"
        for phase in (1, 2, 3)
    ]
    idle = "New Load.idle bus1=far.1.2 phases=1 conn=delta kv=20 kw=0 kvar=0"
    both = solved(tmp_path, FEEDER + "\n".join([*loads, *banks, idle]))

    agree(both)
    net = read_network(both.file)
    assert net.load.name.tolist() == ["a1+a2+a3"]
    assert net.load.p_mw.iloc[0] == pytest.approx(1.8, rel=1e-9)
    assert net.shunt.q_mvar.iloc[0] == pytest.approx(-0.45, rel=1e-9)
    assert any("load.idle" in note for note in both.notes)


def test_load__multiplied__has_the_circuits_multiplier(tmp_path: Path) -> None:
    load = LOAD.format(name="a", bus="far", kw=2000, kvar=800, model=1, conn="wye")
    both = solved(tmp_path, FEEDER + load + "\nSet LoadMult=0.7")

    agree(both)
    assert read_network(both.file).load.p_mw.iloc[0] == pytest.approx(1.4, rel=1e-12)


@pytest.mark.parametrize(
    ("windings", "shift", "group"),
    [
        ("conns=[wye wye] kvs=[110 20]", 0.0, "YNyn"),
        ("conns=[delta wye] kvs=[110 20]", 30.0, "Dyn"),
        ("conns=[delta wye] kvs=[110 20] leadlag=lead", 330.0, "Dyn"),
        ("conns=[wye delta] kvs=[110 20]", 30.0, "YNd"),
        ("conns=[delta delta] kvs=[110 20]", 0.0, "Dd"),
    ],
)
def test_transformer__of_each_group__agrees(windings: str, shift: float, group: str, tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        f"""New Circuit.try basekv=110 pu=1.01 bus1=grid angle=-20 mvasc3=900 mvasc1=700
New Transformer.main buses=[grid station] {windings} kvas=[25000 20000] xhl=11 %rs=[0.3 0.45]
~ %noloadloss=0.25 %imag=0.8 taps=[0.975 1.0125]
{CABLE}
New Line.first bus1=station bus2=far linecode=cable length=4 units=km
New Reactor.path bus1=station phases=3 kv=20 kvar=200
"""
        + LOAD.format(name="a", bus="far", kw=9000, kvar=3500, model=1, conn="delta")
        + " vminpu=0.7",
        "[110 20]",
    )

    agree(both)
    net = read_network(both.file)
    assert (net.trafo.shift_degree.iloc[0], net.trafo.vector_group.iloc[0]) == (shift, group)
    assert (net.trafo.tap_pos.iloc[0], net.trafo.tap2_pos.iloc[0]) == (-4, 2)
    assert (net.trafo.vn_hv_kv.iloc[0], net.trafo.vn_lv_kv.iloc[0]) == (110.0, 20.0)
    rated = {row["branch"]: row["rating_a"] for row in rows(both.circuit, "branches")}
    assert 1e3 * net.line.max_i_ka.iloc[0] == pytest.approx(rated["line.first"])
    whole = net.trafo.sn_mva.iloc[0] * net.trafo.df.iloc[0] / (math.sqrt(3.0) * 110.0)
    assert 1e3 * whole == pytest.approx(rated["transformer.main"])


def test_transformer__that_steps_up__keeps_its_magnetising_branch_at_winding_two(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        """New Circuit.try basekv=20 pu=1.0 bus1=grid mvasc3=400 mvasc1=300
New Transformer.up buses=[grid high] conns=[delta wye] kvs=[20 110] kvas=[25000 25000] xhl=11 %rs=[0.3 0.3]
~ %noloadloss=0.5 %imag=3 taps=[1.0 1.05]
New Load.a bus1=high kv=110 kw=15000 kvar=5000 vminpu=0.7
""",
        "[20 110]",
    )

    agree(both)
    assert read_network(both.file).trafo.shift_degree.iloc[0] == 30.0


@pytest.mark.parametrize("conns", ["[wye wye delta]", "[delta wye wye]"])
def test_transformer__of_three_windings__agrees(conns: str, tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        f"""New Circuit.try basekv=220 pu=1.03 bus1=grid mvasc3=5000 mvasc1=4000
New Transformer.three windings=3 buses=[grid middle low] conns={conns} kvs=[220 110 20]
~ kvas=[100000 80000 30000] xhl=12 xht=22 xlt=9 %rs=[0.2 0.25 0.4] taps=[0.9875 1.0 1.025]
~ %noloadloss=0.05 %imag=0.3
New Load.m bus1=middle kv=110 kw=50000 kvar=18000 vminpu=0.7
New Load.l bus1=low kv=20 kw=15000 kvar=5000 vminpu=0.7
New Reactor.path bus1=low kv=20 kvar=500
""",
        "[220 110 20]",
    )

    apart = {row["bus"]: row["v_pu"] for row in rows(both.network, "buses")}
    for row in rows(both.circuit, "buses"):
        assert apart[row["bus"]] == pytest.approx(row["v_pu"], abs=TOLERANCE_PU)
    losses = {row["branch"]: row["losses_kw"] for row in rows(both.network, "branches")}["trafo3w.three"]
    shunt = next(row for row in rows(both.network, "injections") if row["element"] == "shunt.three")
    whole = next(row for row in rows(both.circuit, "branches"))["losses_kw"]
    assert losses + shunt["p_kw"] == pytest.approx(whole, abs=0.1)
    for what in ("no-load losses are a shunt", "taps", "NormHkVA"):
        assert any("transformer.three" in note and what in note for note in both.notes)


def test_compensation__shunt_and_in_series__agrees(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        FEEDER
        + """New Capacitor.star bus1=far phases=3 kv=20 kvar=900
New Capacitor.triangle bus1=near phases=3 kv=20 kvar=600 conn=delta
New Reactor.tame bus1=far bus2=tail phases=3 r=0.1 x=1.2
New Capacitor.boost bus1=tail bus2=end phases=3 kvar=9000 kv=10
New Reactor.coil bus1=end phases=3 kv=20 kvar=250 rp=90000
"""
        + LOAD.format(name="a", bus="end", kw=3000, kvar=2000, model=1, conn="wye"),
    )

    agree(both)


def test_line__open_at_one_end__still_charges_from_the_other(tmp_path: Path) -> None:
    text = FEEDER.replace("c1=250", "c1=4000") + LOAD.format(
        name="a", bus="near", kw=2500, kvar=900, model=1, conn="wye"
    )
    file = written(tmp_path, text)
    file.write_text(file.read_text() + "Solve\nOpen Line.second 2\n")
    write_network(file, tmp_path / "try.json")

    open_end = of_networks.study(tmp_path / "try.json")
    circuit = of_circuits.study(file, tolerance=1e-9)
    there = {row["bus"]: row["v_pu"] for row in rows(open_end, "buses")}
    for row in rows(circuit, "buses"):
        if row["bus"] == "far":
            assert there["far"] is None
        else:
            assert there[row["bus"]] == pytest.approx(row["v_pu"], abs=TOLERANCE_PU)


def test_controls__settled__leave_their_taps_and_steps(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        f"""New Circuit.try basekv=110 pu=0.97 bus1=grid mvasc3=900 mvasc1=700
New Transformer.main buses=[grid station] conns=[wye wye] kvs=[110 20] kvas=[25000 25000] xhl=11
New RegControl.keep transformer=main winding=2 vreg=120 band=2 ptratio=100
{CABLE}
New Line.first bus1=station bus2=far linecode=cable length=4 units=km
New Capacitor.bank bus1=far kv=20 kvar=1200
New CapControl.switch capacitor=bank element=line.first type=voltage ptratio=100 onsetting=110 offsetting=118
New Monitor.watch element=line.first
"""
        + LOAD.format(name="a", bus="far", kw=9000, kvar=3500, model=1, conn="wye"),
        "[110 20]",
    )

    agree(both)
    assert read_network(both.file).trafo.tap2_pos.iloc[0] > 0
    fixed = write_network(tmp_path / "try.dss", tmp_path / "fixed.json", controls=False)
    assert read_network(fixed.file).trafo.tap2_pos.iloc[0] == 0
    assert any("regcontrol.keep" in note and "capcontrol.switch" in note for note in both.notes)
    assert any("monitor.watch" in note for note in both.notes)


def test_sources__two_at_different_angles__agree(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        FEEDER
        + "New Vsource.other bus1=far basekv=20 pu=1.0 angle=11 z1=[0.5, 2.0] z0=[0.5, 2.0]\n"
        + LOAD.format(name="a", bus="near", kw=5000, kvar=900, model=1, conn="wye"),
    )

    agree(both)
    assert read_network(both.file).ext_grid.name.tolist() == ["source", "other"]


def test_names__of_the_circuit__are_known_for_all_that_stands_for_it(tmp_path: Path) -> None:
    text = f"{FEEDER}{LOADED}\nNew Capacitor.a bus1=far kv=20 kvar=100\nNew Reactor.a bus1=far kv=20 kvar=90"
    found = write_network(written(tmp_path, text), tmp_path / "try.json")

    assert found.elements == {
        "ext_grid.source": "vsource.source",
        "line.first": "line.first",
        "line.second": "line.second",
        "shunt.a": "capacitor.a",
        "shunt.reactor.a": "reactor.a",
        "load.a": "load.a",
    }
    assert set(found.buses) == {"grid", "near", "far"}
    assert set(read_network(found.file).bus.name) == {"grid", "near", "far"} | set(found.internal)


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_source__in_iec60909__has_the_power_that_the_circuit_states(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        """New Circuit.try basekv=110 pu=1.0 bus1=grid mvasc3=900 mvasc1=700
New Transformer.main buses=[grid station] conns=[delta wye] kvs=[110 20] kvas=[25000 25000] xhl=11
New Linecode.cable nphases=3 units=km r1=0.2 x1=0.12 r0=0.8 x0=0.4 c1=0 c0=0
New Line.first bus1=station bus2=far linecode=cable length=4 units=km
""",
        "[110 20]",
    )
    found = rows(faults.study(both.file), "faults")

    at = {(row["bus"], row["type"]): row for row in found}
    assert at["grid", "LLL"]["sk_mva"] == pytest.approx(900.0, rel=1e-6)
    assert math.sqrt(3.0) * 110.0 * at["grid", "LG"]["i_ka"] == pytest.approx(700.0, rel=1e-6)
    # Behind the delta the transformer alone leads the earth current; K_T of IEC 60909-0, 6.3.3.
    line, station = (complex(at[bus, "LG"]["r0_ohm"], at[bus, "LG"]["x0_ohm"]) for bus in ("far", "station"))
    assert line - station == pytest.approx(4.0 * complex(0.8, 0.4), rel=1e-6)
    assert station == pytest.approx(
        complex(0.004, 0.11) * 20.0**2 / 25.0 * 0.95 * 1.1 / (1.0 + 0.6 * 0.11), rel=1e-4
    )


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_faults__behind_a_delta_without_earth__are_those_between_phases(tmp_path: Path) -> None:
    text = """New Circuit.try basekv=110 pu=1.0 bus1=grid mvasc3=900 mvasc1=700
New Transformer.main buses=[grid station] conns=[wye delta] kvs=[110 20] kvas=[25000 25000] xhl=11
"""
    found = faults.study(write_network(written(tmp_path, text, "[110 20]"), tmp_path / "try.json").file)

    assert {row["type"] for row in rows(found, "faults") if row["bus"] == "station"} == {"LLL", "LL"}
    assert {row["type"] for row in rows(found, "faults") if row["bus"] == "grid"} == {
        "LLL",
        "LL",
        "LG",
        "LLG",
    }
    assert any("path" in note and "station" in note for note in found.notes)


def test_contingency__of_a_circuit__takes_out_its_branches_only(tmp_path: Path) -> None:
    both = solved(
        tmp_path,
        FEEDER
        + "New Line.tie bus1=grid bus2=far linecode=cable length=6 units=km\n"
        + LOAD.format(name="a", bus="far", kw=2500, kvar=900, model=1, conn="wye"),
    )
    study = contingency.study(both.file)

    assert {row["outage"] for row in rows(study, "contingencies")} == {
        "line.first",
        "line.second",
        "line.tie",
    }


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
def test_substation__shipped__agrees(name: str, tmp_path: Path) -> None:
    both = converted(Path(substations.__file__).parent / name / "circuit.dss", tmp_path)

    there = {row["bus"]: row for row in rows(both.network, "buses")}
    for row in rows(both.circuit, "buses"):
        assert there[row["bus"]]["v_pu"] == pytest.approx(row["v_pu"], abs=TOLERANCE_PU), row
    assert both.network.facts["branch_losses_kw"] == pytest.approx(
        both.circuit.facts["branch_losses_kw"], rel=1e-5
    )


@st.composite
def feeders(draw: st.DrawFn) -> str:
    """A tree of up to six buses behind a transformer."""

    def number(low: float, high: float) -> st.SearchStrategy[float]:
        return st.floats(low, high).map(lambda value: round(value, 4))

    taps = draw(st.sampled_from([0.95, 0.975, 1.0, 1.025]))
    conns = draw(st.sampled_from(["[wye wye]", "[delta wye]"]))
    source = (
        f"New Circuit.any basekv=110 pu={draw(number(0.97, 1.05))} bus1=grid angle={draw(number(-180, 180))} "
        f"mvasc3={draw(number(500, 5000))} mvasc1=400"
    )
    transformer = (
        f"New Transformer.main buses=[grid b0] conns={conns} kvs=[110 20] kvas=[40000 40000] "
        f"xhl={draw(number(6, 16))} %rs=[{draw(number(0.05, 0.6))} 0.2] %noloadloss={draw(number(0, 0.3))} "
        f"%imag={draw(number(0, 1))} taps=[1 {taps}]"
    )
    lines = [source, transformer]
    for k in range(1, draw(st.integers(2, 6))):
        lines.append(
            f"New Line.l{k} bus1=b{draw(st.integers(0, k - 1))} bus2=b{k} r1={draw(number(0.05, 0.4))} "
            f"x1={draw(number(0.08, 0.4))} r0=0.5 x0=1 c1={draw(number(0, 400))} c0=5 units=km "
            f"length={draw(number(0.05, 6))}"
        )
        lines.append(
            LOAD.format(
                name=f"d{k}", bus=f"b{k}", kw=draw(number(50, 2500)), kvar=draw(number(-300, 900)),
                model=draw(st.sampled_from([1, 2, 5])), conn=draw(st.sampled_from(["wye", "delta"])),
            )
        )  # fmt: skip
        if draw(st.booleans()):
            lines.append(f"New Capacitor.c{k} bus1=b{k} kv=20 kvar={draw(number(50, 900))}")
    return "\n".join(lines)


@settings(
    max_examples=6,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=feeders())
def test_feeder__any__agrees(text: str, tmp_path: Path) -> None:
    agree(solved(tmp_path, text, "[110 20]"))


MATRICES = (
    "New Line.x bus1=far bus2=end length=1 units=km rmatrix=[0.3 | 0.1 0.3 | 0.1 0.1 0.3] "
    "xmatrix=[{x}] cmatrix=[{c}]"
)
TRANSFORMER = "New Transformer.x phases=1 windings=2 buses=[far.1 end.1] kvs=[11.547 0.23]"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("New Load.x bus1=far.1 phases=1 kv=11.547 kw=10", ("load.x", "phases=1", "three")),
        ("New Load.x bus1=far phases=3 kv=20 kw=10 model=8 zipv=[1 0 0 1 0 0 0.5]", ("load.x", "model=8")),
        ("New Load.x bus1=far phases=3 kv=20 kw=10 model=5", ("load.x", "model=5", "far")),
        ("New Generator.x bus1=far phases=3 kv=20 kw=10 model=3", ("generator.x", "model=3")),
        (
            MATRICES.format(x="0.5 | 0.2 0.5 | 0.1 0.2 0.5", c="10 | 0 10 | 0 0 10"),
            ("line.x", "xmatrix", "transpose"),
        ),
        (
            MATRICES.format(x="0.5 | 0.2 0.5 | 0.2 0.2 0.5", c="10 | -1 10 | -2 -1 10"),
            ("line.x", "cmatrix"),
        ),
        ("New Line.x phases=1 bus1=far.2 bus2=end.2 r1=0.1 x1=0.1 length=1", ("line.x", "phases=1")),
        ("New Capacitor.x bus1=far.1 phases=1 kv=11.547 kvar=30", ("capacitor.x", "far.1")),
        ("New Capacitor.x bus1=far.1.2 phases=1 kv=20 kvar=30", ("capacitor.x",)),
        (TRANSFORMER, ("transformer.x", "phases=1")),
        ("New Isource.x bus1=far phases=3 amps=3", ("isource.x",)),
        ("New Fault.x bus1=far phases=3 r=2", ("fault.x",)),
    ],
)  # fmt: skip
def test_element__that_pandapower_has_not__is_refused_by_name(
    change: str, named: tuple[str, ...], tmp_path: Path
) -> None:
    file = written(tmp_path, f"{FEEDER}{LOADED}\n{change}", "[20 0.4]")

    with pytest.raises(StudyError) as refused:
        write_network(file, tmp_path / "try.json")

    for part in (str(file), *named):
        assert part in str(refused.value)
    assert refused.value.remedy
    assert not (tmp_path / "try.json").exists()


def test_circuit__without_nominal_voltages__says_what_to_add(tmp_path: Path) -> None:
    file = tmp_path / "bare.dss"
    file.write_text(f"Clear\n{FEEDER}{LOADED}\n")

    with pytest.raises(StudyError, match=r"no nominal voltage.*VoltageBases"):
        write_network(file, tmp_path / "try.json")


def test_line__open_in_one_phase__is_refused_by_name(tmp_path: Path) -> None:
    file = written(tmp_path, FEEDER + LOADED)
    file.write_text(file.read_text() + "Solve\nOpen Line.second 2 1\n")

    with pytest.raises(StudyError, match=r"line\.second: terminal 2 is open in some phases only"):
        write_network(file, tmp_path / "try.json")
