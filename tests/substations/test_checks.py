"""Checks of a description against its circuit."""

from math import sqrt
from pathlib import Path

import numpy as np
import pytest

import substations
from substations import SubstationError


def test_check__wrong_line_in_circuit__gives_the_engines_file_and_line(edited):
    folder = edited(circuit=(("// Shunt reactors.", "new line.extra lenght=3"),))
    number = (folder / "circuit.dss").read_text().splitlines().index("new line.extra lenght=3") + 1
    with pytest.raises(SubstationError, match="lenght") as caught:
        substations.check(substations.read(folder))
    assert caught.value.file == folder / "circuit.dss"
    assert caught.value.key == f"line {number}"


def test_check__no_circuit_in_the_file__says_so(edited):
    folder = edited()
    (folder / "circuit.dss").write_text("clear\n")
    with pytest.raises(SubstationError, match="0 circuits are defined"):
        substations.check(substations.read(folder))


def test_check__misspelt_bus_in_circuit__suggests_the_right_one(edited):
    folder = edited(circuit=(("bus2=f331_end", "bus2=f331_edn"),))
    with pytest.raises(SubstationError, match="did you mean f331_end") as caught:
        substations.check(substations.read(folder))
    text = (folder / "circuit.dss").read_text().splitlines()
    number = next(index for index, line in enumerate(text, start=1) if "f331_edn" in line)
    assert caught.value.file == folder / "circuit.dss"
    assert caught.value.key == f"line {number}, f331_edn"
    assert "line.f331" in caught.value.problem


def test_check__misspelt_element_in_yaml__suggests_the_right_one(edited):
    folder = edited(yaml=(("c: load.ld_f333_c", "c: load.ld_f333_cc"),))
    with pytest.raises(SubstationError, match=r"did you mean load\.ld_f333_c") as caught:
        substations.check(substations.read(folder))
    assert caught.value.file == folder / "substation.yaml"
    assert caught.value.key == "feeders[F333].loads.c"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "// Shunt reactors.",
            "new load.shop bus1=lv1.1 phases=1 kv=19.05 kw=10 kvar=1",
            "does not name this",
        ),
        ("// Shunt reactors.", "new fault.f1 bus1=lv1.1", "class fault are not supported"),
        ("// Shunt reactors.", "new generator.g1 bus1=lv1 kv=33 kw=1", "class generator are not supported"),
        ("set controlmode=off tolerance=1e-9", "set controlmode=static tolerance=1e-9", "controls are on"),
        ("set controlmode=off tolerance=1e-9", "set controlmode=off tolerance=1e-4", "tolerance is 0.0001"),
        ("enabled=no", "", "closed=False"),
        (
            "bus1=f331_end.2 phases=1 conn=wye model=1",
            "bus1=f331_end.2 phases=1 conn=wye model=2",
            "not constant power",
        ),
        ("set voltagebases=[400 220 33]", "set voltagebases=[400 220 11]", "voltage base"),
        ("bus1=f334_end.1.2", "bus1=f334_end.1.3", "has (1, 3)"),
        ("bus1=f331_end.2", "bus1=f331_end.3", "f331_end.3"),
        ("%noloadloss=0 ", "%noloadloss=0.1 ", "magnetising branch"),
        (
            "mintap=0.9 maxtap=1.1 numtaps=16 tap=0.9875",
            "mintap=0.9 maxtap=1.1 numtaps=16 tap=0.99",
            "17 positions",
        ),
        ("maxiterations=100", "maxiterations=2", "does not converge in 2"),
    ],
)
def test_check__circuit_breaks_a_rule__names_it(edited, old, new, problem):
    with pytest.raises(SubstationError) as caught:
        substations.check(substations.read(edited(circuit=((old, new),))))
    assert problem in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        (
            "bus: lv1, nominal_kv: 33, rated_mva: 50",
            "bus: lv1, nominal_kv: 33, rated_mva: 63",
            "transformers[DTX1].windings[1].rated_mva",
            "63, but the winding's MVA of transformer.dtx1",
        ),
        ("{id: C2, bus: lv2", "{id: C2, bus: lv1", "capacitors[C2].elements.a", "lv2.1"),
        ("mvar: 8, steps: 1", "mvar: 9, steps: 1", "capacitors[C2].mvar", "9, but the sum of Mvar"),
        ("mvar: 8, steps: 1", "mvar: 8, steps: 4", "capacitors[C2].steps", "numsteps"),
        ("    base_mw: 15\n", "    base_mw: 16\n", "feeders[F331].base_mw", "the sum of MW"),
        ("    length_km: 22\n", "    length_km: 23\n", "feeders[F334].length_km", "the length in km"),
        ("    power_factor: 0.97\n", "    power_factor: 0.99\n", "feeders[F221].power_factor", "Mvar"),
        (
            "element: line.f331, terminal: 2",
            "element: line.f331, terminal: 1",
            "points[F331.END].bus",
            "'lv1'",
        ),
        (
            "element: line.f331, terminal: 2",
            "element: line.f331, terminal: 3",
            "points[F331.END].terminal",
            "2 terminals",
        ),
        ("bus: lv1, element: line.f331", "bus: lv2, element: line.f332", "feeders[F331].point", "not lv1"),
        ("frequency_hz: 50", "frequency_hz: 60", "frequency_hz", "60 Hz"),
        (
            "{id: SR1, bus: hv2, element: reactor.sr1, mvar: 50}",
            "{id: SR1, bus: hv2, element: reactor.sr1, mvar: 63}",
            "reactors[SR1].mvar",
            "63",
        ),
    ],
)
def test_check__description_differs_from_circuit__names_both(edited, old, new, key, problem):
    folder = edited(yaml=((old, new),))
    with pytest.raises(SubstationError) as caught:
        substations.check(substations.read(folder))
    assert caught.value.file == folder / "substation.yaml"
    assert caught.value.key == key
    assert problem in caught.value.problem


def test_check__breakers_too_weak__names_bus_and_current(edited):
    folder = edited(circuit=(("mvasc3=14000 mvasc1=11500", "mvasc3=60000 mvasc1=50000"),))
    with pytest.raises(SubstationError, match=r"exceeds the breakers' 40 kA") as caught:
        substations.check(substations.read(folder))
    assert caught.value.key == "buses[grid].breaker_ka"
    assert caught.value.remedy


def test_check__source_too_low__voltage_outside_the_band(edited):
    folder = edited(circuit=(("basekv=400 pu=1.02", "basekv=400 pu=0.94"),))
    with pytest.raises(SubstationError, match=r"permitted 0\.95") as caught:
        substations.check(substations.read(folder))
    assert caught.value.key == "buses[grid]"


def test_check__conductor_too_weak__is_an_overload(edited):
    folder = edited(
        yaml=(("ratings: {a: 300, length_km: 22}", "ratings: {a: 100, length_km: 22}"),),
        circuit=(("normamps=300", "normamps=100"),),
    )
    with pytest.raises(SubstationError, match=r"11\d A in the base case, rated 100 A"):
        substations.check(substations.read(folder))


def test_check__relative_run__leaves_the_working_directory(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    substations.check(substations.read("mumbai"))
    assert Path.cwd() == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_check__repeated__gives_equal_facts():
    substation = substations.read("delhi")
    assert substations.check(substation) == substations.check(substation)


def test_check__fault_levels__agree_with_the_closed_form():
    # Line charging and shunt reactors are below the tolerance.
    facts = substations.check(substations.read("mumbai"))
    source, buses = facts.elements.source, {bus.id: bus for bus in facts.buses}
    z1 = complex(source.r1_ohm, source.x1_ohm)
    assert buses["grid"].i_three_phase_ka == pytest.approx(1.1 * 400 / (sqrt(3) * abs(z1)), rel=0.01)
    assert sqrt(3) * 400 * buses["grid"].i_three_phase_ka / 1.1 == pytest.approx(14000, rel=0.01)

    lines = {line.element: line for line in facts.elements.lines}
    end, start, feeder = buses["f331_end"], buses["lv1"], lines["line.f331"]
    added = feeder.length_km * complex(feeder.r1_ohm_per_km, feeder.x1_ohm_per_km)
    expected = complex(start.r1_ohm, start.x1_ohm) + added
    assert complex(end.r1_ohm, end.x1_ohm) == pytest.approx(expected, rel=2e-3)


def test_check__earthed_by_zigzag__limits_the_earth_fault():
    facts = substations.check(substations.read("delhi"))
    buses = {bus.id: bus for bus in facts.buses}
    earthing = substations.read("delhi").earthing[0]
    lv1 = buses["lv1"]
    assert abs(complex(lv1.r0_ohm, lv1.x0_ohm)) == pytest.approx(earthing.z0_ohm, rel=0.005)
    assert lv1.i_single_phase_ka < 0.8 * lv1.i_three_phase_ka


def test_check__facts__hold_what_another_engine_needs():
    facts = substations.check(substations.read("mumbai"))
    line = next(line for line in facts.elements.lines if line.element == "line.f334")
    assert (line.bus1, line.bus2, line.length_km, line.closed) == ("lv2", "f334_end", 22, True)
    np.testing.assert_allclose(
        [
            line.r1_ohm_per_km,
            line.x1_ohm_per_km,
            line.r0_ohm_per_km,
            line.x0_ohm_per_km,
            line.c1_nf_per_km,
            line.c0_nf_per_km,
        ],
        [0.3035, 0.372, 0.451, 1.58, 9.6, 4.6],
        rtol=1e-9,
    )
    assert not next(line for line in facts.elements.lines if line.element == "line.bc33").closed
    transformer = facts.elements.transformers[0]
    assert [winding.bus for winding in transformer.windings] == ["hv1", "mv1", "at1_t"]
    assert (transformer.x_hl_pct, transformer.x_ht_pct, transformer.x_lt_pct) == (12.5, 45, 30)
    assert transformer.windings[0].ratio_pu == 0.9875
    delhi = substations.check(substations.read("delhi"))
    assert [one.lv_lead_deg for one in delhi.elements.transformers] == [0, 0, 30, 30]
