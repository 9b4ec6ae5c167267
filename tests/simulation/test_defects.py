"""Traces of defects: where equipment stands, how large a trace is, and what it does to circuit and meters."""

import numpy as np
import pytest

import substations
from simulation.engine import Engine
from simulation.scenario.defects.growing import CT_ERROR, VT_ERROR, trace_of
from simulation.scenario.defects.places import (
    in_series,
    nearest_point,
    served_by_current,
    served_by_voltage,
)
from simulation.scenario.defects.trace import LineContact, RatioError, Trace, WindingContact
from substations.description import Substation
from substations.site import Asset


def asset(substation: Substation, name: str) -> Asset:
    return next(each for each in substation.assets if each.id == name)


def points(substation: Substation, rows: tuple[int, ...]) -> set[str]:
    return {substation.points[row].id for row in rows}


def trace(substation: Substation, name: str, severity: float, seed: int = 1) -> Trace:
    return trace_of(
        substation,
        asset(substation, name),
        severity,
        defect=np.random.default_rng(seed),
        day=np.random.default_rng(2),
    )


def point_state(engine: Engine, s_va: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Phasors of voltage and current at the points, shape [p, 3] each."""
    v, network = engine.solve(s_va[None]), engine.network()
    emf = np.array([engine.emf_v])
    assert np.abs(network.residual(v, emf, s_va[None])).max() < 1e-6
    return network.point_voltages(v)[0], network.point_currents(v, emf)[0]


def row(substation: Substation, name: str) -> int:
    return [point.id for point in substation.points].index(name)


@pytest.mark.parametrize(
    ("name", "point"),
    [("F331.CB", "F331"), ("AT1", "AT1.HV"), ("C1.A", "LV1"), ("BC220.CB", "MV1"), ("SR1", "INF2")],
)
def test_nearest_point__of_a_piece__is_its_bay_s_or_its_busbar_s(
    mumbai: Substation, name: str, point: str
) -> None:
    assert nearest_point(mumbai, asset(mumbai, name)).id == point


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
def test_nearest_point__every_piece_of_shipped_stations__has_one_of_its_voltage(name: str) -> None:
    substation = substations.read(name)
    for each in substation.assets:
        found = nearest_point(substation, each)
        assert found.nominal_kv == substation.bus(each.bus).nominal_kv
        if each.kind in ("cvt", "vt"):
            assert served_by_voltage(substation, each)


def test_served_points__of_instrument_transformers__are_those_without_others(mumbai: Substation) -> None:
    assert points(mumbai, served_by_voltage(mumbai, asset(mumbai, "INF1.CVT"))) == {"INF1"}
    assert points(mumbai, served_by_voltage(mumbai, asset(mumbai, "HV1.CVT"))) == {"AT1.HV"}
    # F331 and F332 have no transformers of voltage; DTX1.LV has its own.
    assert points(mumbai, served_by_voltage(mumbai, asset(mumbai, "LV1.VT"))) == {"LV1", "F331", "F332"}
    assert points(mumbai, served_by_current(mumbai, asset(mumbai, "DTX1.LV.CT"))) == {"DTX1.LV", "LV1"}
    assert served_by_current(mumbai, asset(mumbai, "BC220.CT")) == ()


def test_in_series__switchgear__stands_in_its_bay_s_current(mumbai: Substation) -> None:
    assert in_series(mumbai, asset(mumbai, "F331.CB")) == ("line.f331", 1, 400.0)
    assert in_series(mumbai, asset(mumbai, "DTX1.LV.IS1")) == ("transformer.dtx1", 2, 1000.0)
    assert in_series(mumbai, asset(mumbai, "BC220.CB")) == ("line.bc220", 1, 2000.0)
    assert in_series(mumbai, asset(mumbai, "BC33.CB")) is None
    assert in_series(mumbai, asset(mumbai, "C1.CB")) is None


@pytest.mark.parametrize(
    "name", ["F331.CB", "AT1", "C1.A", "F331.LINE", "INF1.CT", "INF1.CVT", "LV1.VT", "BC33.BAR"]
)
def test_trace__sound_piece__is_none(mumbai: Substation, name: str) -> None:
    found = trace(mumbai, name, 0.0)

    assert (found.defect, found.phases, found.parameters()) == ("none", "", {})
    assert found.malfunctions(5) == ()


def test_trace__sizes__grow_with_severity(mumbai: Substation) -> None:
    def size(name: str, severity: float) -> float:
        values = trace(mumbai, name, severity).parameters().values()
        return abs(next(iter(values)))

    for name in ("F331.CB", "F332.LINE" if asset(mumbai, "F332.LINE").kind == "line" else "F333.LINE", "AT1"):
        assert 0.0 < size(name, 0.3) < size(name, 0.6) < size(name, 1.0)
    assert size("LV1.VT", 0.5) == pytest.approx(VT_ERROR / 4)
    assert size("INF1.CT", 1.0) == pytest.approx(CT_ERROR)
    # None to three shorted elements of 144.
    assert [round(100 * size("INF1.CVT", s), 1) for s in (0.3, 0.4, 0.7, 1.0)] == [0.0, 0.7, 1.4, 2.1]
    assert [size("C1.A", s) for s in (0.1, 0.5, 1.0)] == pytest.approx([0.0, 0.06, 0.12])


def test_trace__same_defect_on_other_days__stays_in_its_phase(mumbai: Substation) -> None:
    assert len({trace(mumbai, "F331.CB", s).phases for s in (0.1, 0.5, 0.9)}) == 1
    assert len({trace(mumbai, "F331.CB", 0.5, seed=seed).phases for seed in range(20)}) == 3


def test_line_contact__in_a_feeder__drops_its_voltage_before_the_feeder_s_end(
    mumbai: Substation, engine: Engine, rated_loads: np.ndarray
) -> None:
    before, i_before = point_state(engine, rated_loads)
    contact = LineContact("contact_wear", "b", "line.f331", 0.2)

    contact.apply(engine)
    after, i_after = point_state(engine, rated_loads)
    contact.undo(engine)
    again, _ = point_state(engine, rated_loads)

    end, bay = row(mumbai, "F331.END"), row(mumbai, "F331")
    fall = np.abs(before[end]) - np.abs(after[end])
    # R·I in the phase of the contact, less what lies across the voltage, and far less in the others.
    active = 0.2 * np.abs(i_after[bay, 1]) * 0.95
    assert fall[1] == pytest.approx(active, rel=0.06)
    assert np.abs(fall[[0, 2]]).max() < 0.1 * fall[1]
    assert np.abs(i_after[bay, 1]) > np.abs(i_before[bay, 1])
    assert np.abs(again - before).max() < 1e-3


def test_winding_contact__in_a_transformer__drops_its_share_of_the_current_and_is_undone(
    mumbai: Substation, engine: Engine, rated_loads: np.ndarray
) -> None:
    before, _ = point_state(engine, rated_loads)
    contact = WindingContact("contact_wear", "abc", "transformer.dtx1", 2, 0.1)

    contact.apply(engine)
    after, i_after = point_state(engine, rated_loads)
    contact.undo(engine)
    again, _ = point_state(engine, rated_loads)

    bus = row(mumbai, "DTX1.LV")
    fall = np.abs(before[bus]) - np.abs(after[bus])
    assert fall == pytest.approx(0.1 * np.abs(i_after[bus]), rel=0.06)
    assert np.abs(again - before).max() < 1e-3


@pytest.mark.parametrize("steps", [1, 2])
def test_lost_elements__of_a_capacitor__take_their_share_of_its_current(
    mumbai: Substation, engine: Engine, rated_loads: np.ndarray, steps: int
) -> None:
    lost = trace(mumbai, "C1.B", 1.0)
    engine.set_steps("C1", steps)

    def susceptance() -> float:
        v, _ = point_state(engine, rated_loads)
        unit = engine._elements["capacitor.c1_b"]
        return float(abs(np.asarray(unit.Currents())[0]) / abs(v[row(mumbai, "LV1"), 1]))

    whole = susceptance()
    lost.apply(engine)
    left = susceptance()
    lost.undo(engine)

    assert lost.phases == "b"
    assert left / whole == pytest.approx(0.88, rel=1e-6)
    assert susceptance() == pytest.approx(whole, rel=1e-6)


def test_ratio_error__of_a_current_transformer__acts_on_current_alone() -> None:
    (wrong,) = RatioError("shorted_turns", "c", (4,), 0.0, complex(-0.02)).malfunctions(3)

    assert wrong.point == 4
    assert (wrong.gain == 1.0).all()
    assert wrong.current_gain == pytest.approx((1.0, 1.0, 0.98))


def test_ratio_error__of_a_voltage_transformer__acts_on_one_phase_of_all_its_points() -> None:
    found = RatioError("shorted_elements", "a", (1, 2), 0.03).malfunctions(3)

    assert [each.point for each in found] == [1, 2]
    assert found[0].gain == pytest.approx(np.tile([1.03, 1.0, 1.0], (3, 1)))
    assert found[0].current_gain == (1.0, 1.0, 1.0)
