"""Rules of `stability`: each is broken once."""

import pytest

from data_contracts.tables.stability import ELEMENTS, STABILITY
from data_contracts.transmission import BUSES, PLANTS, UNITS
from data_contracts.transmission_ac import BRANCH_NAMES, BUS_NAMES, MACHINES, network


def put(columns, row=0, **values):
    for name, value in values.items():
        columns[name] = list(columns[name])
        columns[name][row] = value


def test_stability__sound_rows__are_kept(spoilt):
    assert spoilt("stability", lambda columns: None) == {}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("scenario_id_form", lambda c: put(c, scenario_id="contingency.0")),
        ("unique_key", lambda c: put(c, 1, scenario_id=c["scenario_id"][0])),
        ("time_grid", lambda c: put(c, t=c["t"][0] + 900_000)),
        ("status.allowed", lambda c: put(c, 3, status="lost")),
        ("solved_or_null", lambda c: put(c, v_bus_metered_pu=None)),
        ("solved_or_null", lambda c: put(c, branch_metered_mw=None)),
        ("solved_or_null", lambda c: put(c, 3, plant_v_set_pu=[1.0] * 10)),
        ("bus_v_metered_pu.length", lambda c: put(c, bus_v_metered_pu=[1.0] * 38)),
        ("branch_in_service.range", lambda c: put(c, branch_in_service=[2.0] * 46)),
        ("solved_or_null", lambda c: put(c, 3, nadir_hz=49.7)),
        ("reason_agrees", lambda c: put(c, reason="no reason")),
        ("balance", lambda c: put(c, generation_mw=5050.01)),
        ("unsolved_limits", lambda c: put(c, severity=None)),
        ("unsolved_limits", lambda c: put(c, 2, severity=1.5)),
        ("unsolved_limits", lambda c: put(c, 2, nose_after_pct=3.0)),
        ("score_is_least", lambda c: put(c, 1, score=66.0)),
        ("limited_by_least", lambda c: put(c, limited_by="frequency")),
        ("class_agrees", lambda c: put(c, stability_class="marginal")),
        ("class_agrees", lambda c: put(c, 2, stability_class="marginal")),
        ("stability_class.allowed", lambda c: put(c, stability_class="good")),
        ("residual_q_pu.range", lambda c: put(c, residual_q_pu=2e-6)),
        ("score.range", lambda c: put(c, score=101.0)),
    ],
)
def test_stability__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert rule in spoilt("stability", spoil)


def test_elements__lists__have_a_value_for_every_element_of_the_grid():
    length = {name: STABILITY.column(name).length for name in ELEMENTS}
    assert len(BRANCH_NAMES) == len(set(BRANCH_NAMES)) == 46
    for name, size in length.items():
        kind = name.split("_")[0]
        wanted = {
            "branch": len(BRANCH_NAMES),
            "unit": len(UNITS),
            "plant": len(PLANTS),
            "bus": len(BUS_NAMES),
        }
        assert size == wanted[kind]
    assert [machine.units * machine.unit_mw for machine in MACHINES] == [plant.rated_mw for plant in PLANTS]


def test_network__matrix_of_all_branches__is_symmetric_and_without_shunts_but_charging():
    net = network()
    matrix = net.matrix(net.rating_pu[None] > 0.0)[0]
    assert matrix.shape == (BUSES, BUSES)
    assert abs(matrix - matrix.T).max() == 0.0
    assert (net.rating_pu[:34] < 20.0).all()
    # The interconnection has none: two lines join it.
    assert net.of_station.sum() == len(PLANTS) - 1
