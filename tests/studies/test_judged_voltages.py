"""Limits are on voltages between phases where nothing ties a feeder to earth."""

from pathlib import Path

import pytest

from studies.opendss import contingency
from studies.opendss.circuit import TOLERANCE, open_circuit
from studies.opendss.judged import judged, without_earth
from studies.result import Study

DELTA = """\
Clear
Set DefaultBaseFrequency=50
New Circuit.delta basekv=110 pu=1.0 bus1=hv angle=0 z1=[0.1, 1.0] z0=[0.2, 2.0]
New Transformer.main phases=3 buses=[hv lv] conns=[wye delta] kvs=[110 10] kvas=[20000 20000] xhl=10
New Linecode.oh nphases=3 units=km r1=0.3 x1=0.35 r0=0.5 x0=1.2 c1=0 c0=0
New Line.one bus1=lv bus2=end linecode=oh length=4 units=km normamps=400
New Line.two bus1=lv bus2=end linecode=oh length=4 units=km normamps=400
"""
THREE = "New Load.three bus1=end phases=3 conn=delta model=2 kv=10 kw=500 kvar=100\n"
# Its current through the lines lies nearly along the voltage ab, which leaves both voltages to earth alike.
TWO = "New Load.two bus1=end.1.2 phases=1 conn=delta model=2 kv=10 kw=700 kvar=1175\n"
EARTH_FAULT = "New Fault.earth bus1=lv.1 phases=1 r=0.001\n"
REGULATOR = """\
New Transformer.one phases=1 buses=[end.1.2 far.1.2] conns=[delta delta] kvs=[10 10]
New Transformer.two phases=1 buses=[end.3.2 far.3.2] conns=[delta delta] kvs=[10 10]
New Line.jumper phases=1 bus1=end.2 bus2=far.2 r1=0.001 x1=0 length=1
"""
BASES = "Set VoltageBases=[110 10 0.4]\nCalcVoltageBases\n"


@pytest.fixture
def circuit(tmp_path: Path):
    """Writes the delta feeder with more in it."""

    def write(*more: str) -> Path:
        file = tmp_path / "delta.dss"
        file.write_text("".join([DELTA, *more, BASES]))
        return file

    return write


def violations(found: Study, outage: str) -> list[dict]:
    rows = next(one for one in found.tables if one.name == "violations").records()
    return [row for row in rows if row["outage"] == outage]


def row_of(found: Study, outage: str) -> dict:
    rows = next(one for one in found.tables if one.name == "contingencies").records()
    return next(row for row in rows if row["outage"] == outage)


def test_contingency__delta_feeder_with_an_earth_fault__violates_nothing_between_phases(circuit) -> None:
    file = circuit(THREE, EARTH_FAULT)
    found = contingency.study(file, elements=["line"])

    assert found.facts["buses_judged_line_to_line"] == 2
    for outage in ("line.one", "line.two"):
        assert violations(found, outage) == []
        row = row_of(found, outage)
        assert row["lost_mw"] == 0.0
        assert 0.95 < row["lowest_v_pu"] < row["highest_v_pu"] < 1.05
        assert row["lowest_at"].startswith("end.")

    to_earth = contingency.study(file, elements=["line.two"], voltages="ln")
    over = {row["where"]: row["value"] for row in violations(to_earth, "line.two")}
    assert set(over) == {"lv.2", "lv.3", "end.2", "end.3"}
    assert over["lv.3"] == pytest.approx(3.0**0.5, rel=0.03)


def test_contingency__delta_feeder_whose_line_voltage_falls__is_undervoltage_between_phases(circuit) -> None:
    file = circuit(TWO)
    found = contingency.study(file, elements=["line.two"])

    wrong = violations(found, "line.two")
    assert [(row["where"], row["kind"], row["new"]) for row in wrong] == [("end.1-2", "undervoltage", True)]
    assert wrong[0]["value"] < 0.945 < 0.955 < wrong[0]["before"]
    to_earth = contingency.study(file, elements=["line.two"], voltages="ln")
    assert violations(to_earth, "line.two") == []
    assert row_of(to_earth, "line.two")["lowest_v_pu"] > 0.95


def test_contingency__delta_feeder_without_its_transformer__loses_the_load(circuit) -> None:
    row = row_of(contingency.study(circuit(THREE)), "transformer.main")

    assert row["lost_mw"] == pytest.approx(0.5, rel=0.03)
    assert row["violations"] == 0


@pytest.mark.parametrize(
    ("more", "unearthed"),
    [
        ("", {"lv", "end"}),
        (EARTH_FAULT, {"lv", "end"}),
        ("New Capacitor.ring bus1=end phases=3 conn=delta kvar=10 kv=10\n", {"lv", "end"}),
        (
            "New Transformer.down phases=3 buses=[end house] conns=[delta wye] kvs=[10 0.4] kvas=[100 100]\n",
            {"lv", "end"},
        ),
        (REGULATOR, {"lv", "end", "far"}),
        # These see the voltage to earth at their own bus.
        ("New Load.star bus1=end phases=3 conn=wye kv=10 kw=10\n", {"lv"}),
        ("New Load.one bus1=end.1 phases=1 kv=5.77 kw=10\n", {"lv"}),
        ("New Capacitor.star bus1=end phases=3 conn=wye kvar=10 kv=10\n", {"lv"}),
        # These hold the whole feeder.
        ("New Reactor.earthing bus1=end phases=3 r=100 x=0\n", set()),
        ("New Reactor.apart bus1=end bus2=mat.0.0.0 phases=3 r=100 x=0\n", set()),
        ("New Line.four phases=4 bus1=end.1.2.3.4 bus2=far.1.2.3.4 r1=0.1 x1=0.1\n", set()),
    ],
)
def test_without_earth__what_is_connected__decides(circuit, more: str, unearthed: set[str]) -> None:
    with open_circuit(circuit(THREE, more)) as opened:
        opened.solve_snapshot(TOLERANCE, controls=False)
        assert without_earth(opened) == unearthed


def test_judged__between_phases_everywhere__leaves_single_phases_to_earth(circuit) -> None:
    lateral = "New Line.lateral phases=1 bus1=end.3 bus2=far.3 r1=0.1 x1=0.1\n"
    with open_circuit(circuit(THREE, lateral)) as opened:
        opened.solve_snapshot(TOLERANCE, controls=False)
        watched = judged(opened, "ll")
        pu = dict(zip(watched.places, watched.across.pu(opened.voltages()), strict=True))
        assert watched.between_phases == 3
        assert judged(opened, "ln").between_phases == 0
    assert {place for place in pu if place.startswith("hv.")} == {"hv.1-2", "hv.2-3", "hv.3-1"}
    assert {place for place in pu if place.startswith("far.")} == {"far.3"}
    assert pu["hv.1-2"] == pytest.approx(1.0, abs=0.01)
