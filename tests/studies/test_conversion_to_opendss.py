"""Pandapower networks solved by OpenDSS: the same voltages, flows and names."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studies.conversion.converted import Converted
from studies.conversion.renaming import elements_as_written, in_own_names, profile_as_written
from studies.conversion.to_opendss.circuit import write_circuit
from studies.conversion.to_opendss.draft import Purpose
from studies.errors import StudyError
from studies.opendss import contingency as circuit_outages
from studies.opendss import faults as circuit_faults
from studies.opendss import powerflow as circuit_flow
from studies.pandapower import contingency as network_outages
from studies.pandapower import powerflow as network_flow
from studies.pandapower.network import quiet
from studies.profile import Profile
from studies.result import Study

Change = Callable[[Any], None]


def stored(net: Any, folder: Path) -> Path:
    import pandapower as pp

    file = folder / "net.json"
    pp.to_json(net, str(file))
    return file


def both(file: Path, folder: Path) -> tuple[Study, Study, Converted]:
    """The power flow by pandapower, and by OpenDSS in the network's own names."""
    converted = write_circuit(file, folder / "net.dss")
    by_circuit = in_own_names(circuit_flow.study(converted.file, tolerance=1e-9), converted)
    return network_flow.study(file), by_circuit, converted


def phasors(study: Study) -> dict[str, complex]:
    return {
        row["bus"]: row["v_pu"] * np.exp(1j * math.radians(row["angle_deg"]))
        for row in study.tables[0].records()
        if row["phase"] in {0, 1} and row["v_pu"] is not None
    }


def apart_pu(one: Study, other: Study) -> float:
    first, second = phasors(one), phasors(other)
    assert first.keys() == second.keys()
    return max(abs(first[bus] - second[bus]) for bus in first)


def radial(change: Change = lambda net: None) -> Any:
    """110/20 kV transformer, two lines, loads, and a tie that is open."""
    import pandapower as pp

    net: Any = pp.create_empty_network(f_hz=50.0)
    grid, bar, one, two = (
        pp.create_bus(net, kv, name=name)
        for kv, name in ((110.0, "Grid"), (20.0, "Main bar"), (20.0, "one"), (20.0, "two"))
    )
    pp.create_ext_grid(net, grid, vm_pu=1.02, va_degree=10.0)
    pp.create_transformer_from_parameters(
        net, grid, bar, 25.0, 110.0, 20.5, 0.41, 12.0, 14.0, 0.5, shift_degree=150.0, name="T 1",
        tap_side="hv", tap_neutral=0, tap_min=-9, tap_max=9, tap_step_percent=1.5, tap_pos=-3,
        tap_changer_type="Ratio",
    )  # fmt: skip
    for name, ends in (("a", (bar, one)), ("b", (bar, two)), ("tie", (one, two))):
        pp.create_line_from_parameters(net, *ends, 8.0, 0.12, 0.11, 300.0, 0.35, name=name)
    pp.create_switch(net, two, 2, "l", closed=False)
    pp.create_load(net, one, 6.0, 1.0, name="mill")
    pp.create_load(net, two, 5.0, 1.0, name="town", scaling=0.8)
    change(net)
    return net


@pytest.mark.parametrize(
    "name",
    [
        "case9",
        "case14",
        "case57",
        "case33bw",
        "case_illinois200",
        "create_cigre_network_mv",
        "create_cigre_network_lv",
        "mv_oberrhein",
    ],
)
def test_write_circuit__networks_that_pandapower_ships__both_engines_agree(name: str, tmp_path: Path) -> None:
    import pandapower.networks

    with quiet():
        net = getattr(pandapower.networks, name)()
    theirs, ours, _ = both(stored(net, tmp_path), tmp_path)

    assert apart_pu(theirs, ours) < 1e-6
    assert ours.facts["branch_losses_kw"] == pytest.approx(theirs.facts["branch_losses_kw"], rel=1e-4)


@pytest.mark.parametrize(
    ("shift", "side"),
    [
        (0.0, "hv"),
        (0.0, "lv"),
        (30.0, "lv"),
        (90.0, "hv"),
        (120.0, "hv"),
        (150.0, "lv"),
        (210.0, "hv"),
        (240.0, "lv"),
        (270.0, "hv"),
        (-30.0, "lv"),
    ],
)
def test_write_circuit__transformer_of_any_clock_number__same_phasors(
    shift: float, side: str, tmp_path: Path
) -> None:
    def change(net: Any) -> None:
        net.trafo.shift_degree = shift
        net.trafo.tap_side = side

    theirs, ours, _ = both(stored(radial(change), tmp_path), tmp_path)

    assert apart_pu(theirs, ours) < 1e-6


def _storage(net: Any) -> None:
    import pandapower as pp

    pp.create_storage(net, 2, p_mw=0.7, max_e_mwh=1.0, q_mvar=0.1)


def _shunts(net: Any) -> None:
    import pandapower as pp

    pp.create_shunt(net, 2, q_mvar=-1.5, p_mw=0.05, vn_kv=21.0)
    pp.create_shunt(net, 3, q_mvar=0.8, step=2)
    pp.create_ward(net, 3, 0.3, 0.1, 0.2, -0.4)


def _shares(net: Any) -> None:
    net.load["const_z_p_percent"] = [30.0, 0.0]
    net.load["const_i_p_percent"] = [50.0, 100.0]
    net.load["const_z_q_percent"] = [100.0, 0.0]
    net.load["const_i_q_percent"] = [0.0, 20.0]


def _impedance(net: Any) -> None:
    import pandapower as pp

    pp.create_impedance(net, 2, 3, 0.02, 0.05, 10.0)


def _parallel(net: Any) -> None:
    net.line.parallel = 2
    net.trafo.parallel = 3


def _generators(net: Any) -> None:
    import pandapower as pp

    pp.create_sgen(net, 3, 2.0, -0.5, name="sun", scaling=0.9)
    pp.create_gen(net, 2, 3.0, vm_pu=1.01, name="mill")


def _off(net: Any) -> None:
    net.bus.loc[3, "in_service"] = False


def _leakage_of_one_side(net: Any) -> None:
    net.trafo["leakage_resistance_ratio_hv"] = 0.2
    net.trafo["leakage_reactance_ratio_hv"] = 0.7


@pytest.mark.parametrize(
    "change",
    [_storage, _shunts, _shares, _impedance, _parallel, _generators, _off, _leakage_of_one_side],
    ids=lambda change: change.__name__,
)
def test_write_circuit__each_kind_of_element__same_phasors(change: Change, tmp_path: Path) -> None:
    theirs, ours, _ = both(stored(radial(change), tmp_path), tmp_path)

    assert apart_pu(theirs, ours) < 1e-6


def test_write_circuit__names__are_those_of_the_network(tmp_path: Path) -> None:
    theirs, ours, converted = both(stored(radial(_generators), tmp_path), tmp_path)

    flows = {name: study.tables[1].columns for name, study in (("theirs", theirs), ("ours", ours))}
    for column in ("branch", "from_bus", "to_bus"):
        assert sorted(flows["ours"][column]) == sorted(flows["theirs"][column])
    injected = next(table for table in ours.tables if table.name == "injections").columns["element"]
    assert set(injected) == {"ext_grid.0", "load.mill", "load.town", "sgen.sun", "gen.mill"}
    assert elements_as_written(["trafo", "line.a", "nothing"], converted) == (
        "transformer.t_1",
        "line.a",
        "nothing",
    )


def test_write_circuit__flows__are_those_of_the_network(tmp_path: Path) -> None:
    theirs, ours, _ = both(stored(radial(), tmp_path), tmp_path)

    first, second = ({row["branch"]: row for row in study.tables[1].records()} for study in (theirs, ours))
    for name, row in first.items():
        for column in ("p_from_kw", "q_from_kvar", "p_to_kw", "q_to_kvar"):
            assert second[name][column] == pytest.approx(row[column], abs=0.1), (name, column)


def test_write_circuit__joined_buses__each_has_its_row(tmp_path: Path) -> None:
    def change(net: Any) -> None:
        import pandapower as pp

        extra = pp.create_bus(net, 20.0, name="coupled")
        pp.create_switch(net, 1, extra, "b", closed=True)
        behind = pp.create_bus(net, 20.0, name="behind")
        pp.create_switch(net, extra, behind, "b", closed=True, z_ohm=0.5)
        pp.create_load(net, behind, 1.0, 0.2, name="behind")

    theirs, ours, _ = both(stored(radial(change), tmp_path), tmp_path)

    assert apart_pu(theirs, ours) < 1e-6
    assert phasors(ours)["coupled"] == phasors(ours)["Main bar"]
    assert (ours.facts["buses"], ours.facts["nodes"]) == (6, 18)


def test_write_circuit__island_without_supply__left_out_and_told(tmp_path: Path) -> None:
    def change(net: Any) -> None:
        import pandapower as pp

        pp.create_load(net, pp.create_bus(net, 20.0, name="dark"), 1.0)

    theirs, ours, _ = both(stored(radial(change), tmp_path), tmp_path)

    assert apart_pu(theirs, ours) < 1e-6
    assert "1 buses without supply are left out" in ours.notes


def _g(net: Any) -> None:
    net.line.loc[0, "g_us_per_km"] = 3.0


def _clock_6(net: Any) -> None:
    net.trafo.shift_degree = 180.0


def _phase_shifter(net: Any) -> None:
    net.trafo.tap_step_degree = 60.0


def _one_way(net: Any) -> None:
    import pandapower as pp

    pp.create_impedance(net, 2, 3, 0.02, 0.05, 10.0, rtf_pu=0.03, xtf_pu=0.05)


def _three_windings(net: Any) -> None:
    import pandapower as pp

    low = pp.create_bus(net, 10.0)
    pp.create_transformer3w(net, 0, 1, low, "63/25/38 MVA 110/20/10 kV", name="T 3")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_g, r"line\.a: g_us_per_km 3"),
        (_clock_6, r"trafo\.T 1: shift_degree 180"),
        (_phase_shifter, r"trafo\.T 1: tap_changer_type Ratio: it turns"),
        (_one_way, r"impedance\.0: its impedance differs"),
        (_three_windings, r"trafo3w\.T 3: OpenDSS has nothing"),
    ],
    ids=["conductance", "clock 6", "phase shifter", "one way", "three windings"],
)
def test_write_circuit__what_opendss_does_not_know__refused_by_name(
    change: Change, named: str, tmp_path: Path
) -> None:
    file = stored(radial(change), tmp_path)

    with pytest.raises(StudyError, match=named) as caught:
        write_circuit(file, tmp_path / "net.dss")
    assert "--solver pandapower" in caught.value.remedy


def test_write_circuit__for_faults__the_grids_current_is_its_short_circuit_power(network: Path) -> None:
    converted = write_circuit(network, network.with_suffix(".dss"), Purpose.FAULTS_TO_EARTH)
    found = circuit_faults.study(converted.file, buses=["grid"], kinds=("LLL", "LG"))

    rows = {row["type"]: row for row in found.tables[0].records()}
    v = rows["LLL"]["prefault_v_pu"]
    assert v == pytest.approx(1.0, abs=1e-6)
    # 1,000 MVA at 110 kV are stated with the voltage factor 1.1 of IEC 60909; loads add next to nothing.
    own = 1000.0 / (math.sqrt(3.0) * 110.0 * 1.1)
    assert rows["LLL"]["i_ka"] == pytest.approx(own, rel=0.01)
    # X0 = X1 and R0 = 0.1 X0: the earth fault's current is that of three phases but for the transformer's
    # star point, which feeds it too.
    assert own < rows["LG"]["i_ka"] < 1.5 * own


@pytest.mark.parametrize(
    ("column", "table"),
    [("r0_ohm_per_km", "line"), ("vector_group", "trafo"), ("x0x_max", "ext_grid"), ("rx_max", "ext_grid")],
)
def test_write_circuit__faults_without_their_data__names_what_is_missing(
    column: str, table: str, network: Path, tmp_path: Path
) -> None:
    import pandapower as pp

    net = pp.from_json(str(network))
    net[table][column] = None
    file = stored(net, tmp_path)

    with pytest.raises(StudyError, match=f"{table}.*{column}"):
        write_circuit(file, tmp_path / "net.dss", Purpose.FAULTS_TO_EARTH)
    if table == "line":
        write_circuit(file, tmp_path / "net.dss", Purpose.FAULTS_OF_PHASES)


def test_write_circuit__outages__are_pandapowers(network: Path, tmp_path: Path) -> None:
    converted = write_circuit(network, tmp_path / "net.dss")
    ours = in_own_names(circuit_outages.study(converted.file, tolerance=1e-9), converted)
    theirs = network_outages.study(network)

    first, second = ({row["outage"]: row for row in study.tables[0].records()} for study in (ours, theirs))
    assert first.keys() == second.keys()
    for name, row in second.items():
        assert first[name]["lost_mw"] == pytest.approx(row["lost_mw"], abs=1e-3)
        if row["lowest_v_pu"] is not None:
            assert first[name]["lowest_v_pu"] == pytest.approx(row["lowest_v_pu"], abs=1e-4)


def test_write_circuit__outages_beside_generation__leave_dead_islands_as_pandapower_has_them(
    tmp_path: Path,
) -> None:
    import pandapower.networks

    file = stored(pandapower.networks.create_cigre_network_mv(with_der="pv_wind"), tmp_path)
    converted = write_circuit(file, tmp_path / "net.dss")
    ours = in_own_names(circuit_outages.study(converted.file), converted)
    theirs = network_outages.study(file)

    assert ours.facts["without_solution"] == theirs.facts["without_solution"] == 0
    lost = [{row["outage"]: row["lost_mw"] for row in study.tables[0].records()} for study in (ours, theirs)]
    assert lost[0] == pytest.approx(lost[1], abs=1e-3)


def test_profile_as_written__classes_and_elements__own_column_first(tmp_path: Path) -> None:
    _, _, converted = both(stored(radial(_generators), tmp_path), tmp_path)
    profile = Profile(
        ("1", "2"),
        {"load.*": np.array([1.0, 2.0]), "load.town": np.array([3.0, 4.0]), "sgen.*": np.array([5.0, 6.0])},
    )

    written = profile_as_written(profile, converted)

    assert {name: values[0] for name, values in written.factors.items()} == {
        "load.mill": 1.0,
        "load.town": 3.0,
        "generator.sun": 5.0,
    }
    with pytest.raises(StudyError, match=r"column load\.nobody"):
        profile_as_written(Profile(("1",), {"load.nobody": np.ones(1)}), converted)
