"""Studies of circuits against closed forms and against the engine's own other ways."""

from pathlib import Path

import numpy as np
import pytest

from studies.contingency import Limits
from studies.errors import StudyError
from studies.opendss import contingency, faults, harmonics, powerflow, timeseries
from studies.profile import Profile
from studies.result import Study

Z_SOURCE, Z_LINE = 0.1 + 1.0j, 0.3 + 0.35j
Z0_SOURCE, Z0_LINE = 0.2 + 2.0j, 0.5 + 1.2j
E = 11e3 / np.sqrt(3.0)
Z_LOAD = 11e3**2 / np.conj(900e3 + 300e3j)


def by(study: Study, table: str, **where: object) -> list[dict]:
    found = next(one for one in study.tables if one.name == table)
    return [row for row in found.records() if all(row[name] == value for name, value in where.items())]


def test_powerflow__two_lines_and_an_impedance__is_the_divider(small: Path) -> None:
    found = powerflow.study(small, tolerance=1e-9)

    current = E / (Z_SOURCE + 5.0 * Z_LINE + Z_LOAD)
    v_far = current * Z_LOAD
    row = by(found, "buses", bus="far", phase=1)[0]
    assert row["v_pu"] == pytest.approx(abs(v_far) / E, rel=1e-7)
    assert row["angle_deg"] == pytest.approx(np.degrees(np.angle(v_far)), abs=1e-6)
    assert row["v_ll_kv"] == pytest.approx(np.sqrt(3.0) * abs(v_far) / 1e3, rel=1e-7)
    branch = by(found, "branches", branch="line.far")[0]
    assert branch["losses_kw"] == pytest.approx(3 * abs(current) ** 2 * 3 * Z_LINE.real / 1e3, rel=1e-6)
    assert branch["loading_pct"] == pytest.approx(abs(current), rel=1e-6)
    assert found.facts["largest_mismatch_kva"] < 1e-3
    assert found.facts["branch_losses_kw"] == pytest.approx(
        found.facts["sources_kw"] - found.facts["loads_kw"], rel=1e-6
    )


def test_faults__at_the_far_end__are_the_closed_forms(small: Path) -> None:
    found = faults.study(small, buses=["far"], tolerance=1e-9)

    z1, z0 = Z_SOURCE + 5 * Z_LINE, Z0_SOURCE + 5 * Z0_LINE
    z1, z0 = 1 / (1 / z1 + 1 / Z_LOAD), 1 / (1 / z0 + 1 / Z_LOAD)
    v = abs(E * Z_LOAD / (Z_SOURCE + 5 * Z_LINE + Z_LOAD))
    z_earth = z1 * z0 / (z1 + z0)
    expected = {
        "LLL": v / abs(z1),
        "LG": 3 * v / abs(2 * z1 + z0),
        "LL": np.sqrt(3) * v / abs(2 * z1),
    }
    for kind, amperes in expected.items():
        for row in by(found, "faults", type=kind):
            assert 1e3 * row["i_ka"] == pytest.approx(amperes, rel=1e-6), row
    earth = 3 * abs(v / (z1 + z_earth)) * abs(z1 / (z1 + z0))
    assert [1e3 * row["i_earth_ka"] for row in by(found, "faults", type="LLG")] == pytest.approx(
        [earth] * 3, rel=1e-6
    )
    dip = by(found, "dips", type="LLL", bus="middle")[0]
    at_middle = abs(3 * Z_LINE / (Z_SOURCE + 5 * Z_LINE))
    assert dip["lowest_v_pu"] == pytest.approx(at_middle, rel=1e-5)
    assert len(by(found, "faults")) == 10


def test_faults__unbalanced_feeder_with_impedance__are_the_engines_fault_objects(tmp_path: Path) -> None:
    text = (Path(faults.__file__).parents[1] / "validation" / "circuits" / "ieee13.dss").read_text()
    # As admittances the loads are the same before and during the fault.
    linear = "\n".join(
        f"{line} model=2" if line.lower().startswith("new load.") else line for line in text.splitlines()
    ).replace("Solve", "")
    (tmp_path / "whole.dss").write_text(linear)
    found = faults.study(tmp_path / "whole.dss", buses=["671", "646"], z_fault=2.0, tolerance=1e-10)

    for fault, table in (
        ("phases=1 bus1=671.2 r=2", {"bus": "671", "type": "LG", "phases": "2"}),
        ("phases=1 bus1=646.2 bus2=646.3 r=2", {"bus": "646", "type": "LL", "phases": "23"}),
        ("phases=3 bus1=671 r=2", {"bus": "671", "type": "LLL"}),
    ):
        (tmp_path / "faulted.dss").write_text(f"{linear}\nNew Fault.f {fault}\n")
        solved = powerflow.study(tmp_path / "faulted.dss", tolerance=1e-10)
        largest = max(row["i_a"] for row in by(solved, "currents", element="fault.f"))
        assert 1e3 * by(found, "faults", **table)[0]["i_ka"] == pytest.approx(largest, rel=1e-6)
        left = {(row["bus"], row["phase"]): row["v_pu"] for row in by(solved, "buses")}
        where = {"fault_bus": table["bus"]} | {k: v for k, v in table.items() if k != "bus"}
        for row in by(found, "dips", **where):
            for phase in (1, 2, 3):
                if (row["bus"], phase) in left:
                    # Dips are stored in single precision.
                    assert row[f"v_{phase}_pu"] == pytest.approx(left[row["bus"], phase], rel=1e-5, abs=1e-6)


def test_faults__no_such_bus__names_some_that_there_are(small: Path) -> None:
    with pytest.raises(StudyError, match="no bus nowhere") as caught:
        faults.study(small, buses=["nowhere"])
    assert "middle" in caught.value.remedy


def test_harmonics__one_emitter__is_current_times_impedance(small: Path) -> None:
    small.write_text(
        small.read_text().replace(
            "New Load.far bus1=far phases=3 conn=wye model=2 kv=11 kw=900 kvar=300 daily=day",
            "New Spectrum.six numharm=3 harmonic=[1 5 7] %mag=[100 20 10] angle=[0 0 0]\n"
            "New Load.far bus1=far phases=3 conn=wye model=2 kv=11 kw=900 kvar=0 spectrum=six %SeriesRL=0",
        )
    )
    found = harmonics.study(small, tolerance=1e-9)

    z_load = 11e3**2 / 900e3
    current = E / (Z_SOURCE + 5 * Z_LINE + z_load)
    row = by(found, "buses", bus="far", phase=1)[0]
    for order, share in ((5, 0.20), (7, 0.10)):
        z = complex((Z_SOURCE + 5 * Z_LINE).real, order * (Z_SOURCE + 5 * Z_LINE).imag)
        in_parallel = z * z_load / (z + z_load)
        assert row[f"h{order}_pct"] == pytest.approx(100 * share * abs(in_parallel) / z_load, rel=1e-5)
    assert row["thd_pct"] == pytest.approx(np.hypot(row["h5_pct"], row["h7_pct"]))
    assert found.facts["orders"] == "5, 7"
    line = by(found, "branches", branch="line.near", phase=1)[0]
    assert line["i1_a"] == pytest.approx(abs(current), rel=1e-5)
    assert 0.0 < line["h5_a"] < 0.2 * line["i1_a"]


def test_contingency__radial_feeder__each_line_loses_the_load(small: Path) -> None:
    found = contingency.study(small, limits=Limits(0.99, 1.05, 30.0))

    rows = by(found, "contingencies")
    assert {row["outage"] for row in rows} == {"line.near", "line.far"}
    alone = by(powerflow.study(small), "injections", element="load.far")[0]["p_kw"] / 1e3
    assert [row["lost_mw"] for row in rows] == pytest.approx([alone, alone], rel=1e-4)
    # Without load nothing is low any more.
    assert by(found, "violations") == []


def test_contingency__ring__opens_the_ring_and_overloads_the_other_way(small: Path) -> None:
    small.write_text(
        small.read_text().replace(
            "Set VoltageBases",
            "New Line.other bus1=source bus2=far linecode=oh length=5 units=km normamps=40\nSet VoltageBases",
        )
    )
    found = contingency.study(small)

    rows = {row["outage"]: row for row in by(found, "contingencies")}
    assert set(rows) == {"line.near", "line.far", "line.other"}
    assert all(row["lost_mw"] == 0.0 for row in rows.values())
    assert rows["line.near"]["most_loaded"] == "line.other"
    assert rows["line.near"]["highest_loading_pct"] == pytest.approx(
        rows["line.far"]["highest_loading_pct"], 1e-3
    )
    new = by(found, "violations", outage="line.far", where="line.other")[0]
    assert new["new"] is True
    assert new["value"] > 100.0 > new["before"]
    # The network is whole again after each outage.
    again = contingency.study(small, elements=["line.other"])
    assert by(again, "contingencies")[0] == rows["line.other"] | {"rank": 1}


def test_timeseries__daily_shape__follows_it(small: Path) -> None:
    found = timeseries.study(small, steps=3)

    shape = [0.5 + k / 48.0 for k in (1, 2, 3)]
    rows = by(found, "steps")
    full = powerflow.study(small).facts["sources_kw"] / 1e3
    assert [row["sources_mw"] / full for row in rows] == pytest.approx(shape, rel=0.03)
    assert [row["time"] for row in rows] == ["1 h", "2 h", "3 h"]
    assert len(by(found, "buses")) == 3 * 9


def test_timeseries__profile__multiplies_what_the_file_states(small: Path) -> None:
    profile = Profile(("a", "b", "c"), {"load.*": np.array([1.0, 0.5, 1.0])})
    found = timeseries.study(small, profile=profile)

    rows = by(found, "steps")
    assert rows[0]["sources_mw"] == pytest.approx(powerflow.study(small).facts["sources_kw"] / 1e3, rel=1e-5)
    assert rows[2]["sources_mw"] == pytest.approx(rows[0]["sources_mw"], rel=1e-5)
    assert rows[1]["sources_mw"] == pytest.approx(0.5 * rows[0]["sources_mw"], rel=0.05)


def test_timeseries__profile_of_a_stranger__is_refused(small: Path) -> None:
    with pytest.raises(StudyError, match=r"load\.ghost names no element"):
        timeseries.study(small, profile=Profile(("a",), {"load.ghost": np.ones(1)}))


def test_contingency__generation_left_without_a_source__is_dead_and_back_for_the_next(small: Path) -> None:
    text = small.read_text()
    machine = "New Generator.roof bus1=far phases=3 kv=11 kw=1500 kvar=100 model=1 vminpu=0.1\n"
    small.write_text(text.replace("Set VoltageBases", f"{machine}Set VoltageBases"))

    found = contingency.study(small)

    rows = {row["outage"]: row for row in found.tables[0].records()}
    assert rows["line.near"]["converged"] is True
    assert rows["line.near"]["lost_mw"] == pytest.approx(0.9, rel=0.05)
    alone = {
        row["outage"]: row for row in contingency.study(small, elements=["line.far"]).tables[0].records()
    }
    assert rows["line.far"] == alone["line.far"] | {"rank": rows["line.far"]["rank"]}
