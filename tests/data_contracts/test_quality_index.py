"""The formula of the index, and the rules of `power_quality` that hold it."""

import numpy as np
import pytest

from data_contracts.quality_index import (
    GRADES,
    INDICATORS,
    Limits,
    State,
    grade_codes,
    index_of,
    ratios,
    sag_severity,
    swell_severity,
    unified,
)


def limits(rows):
    return Limits(*(np.full(rows, value) for value in (0.95, 1.05, 1.5, 1.5, 1.0, 0.8, 0.5)))


def state(**changed):
    given = {
        "u_pu": np.array([[1.0, 1.01, 0.98]]),
        "vuf_pct": np.array([0.3]),
        "thd_pct": np.array([0.6]),
        "harmonic_pct": np.array([0.5]),
        "pst": np.array([0.2]),
        "event_severity": np.array([0.0]),
        "f_dev_hz": np.array([0.05]),
    }
    return State(**{**given, **changed})


def test_ratios__each_indicator__is_a_multiple_of_its_limit():
    found = ratios(state(), limits(1))

    assert found.shape == (1, len(INDICATORS))
    assert found[0] == pytest.approx([0.4, 0.2, 0.5, 0.25, 0.0, 0.1])


def test_ratios__what_is_not_known__counts_nothing():
    nothing = np.array([np.nan])

    assert ratios(state(thd_pct=nothing), limits(1))[0, 2] == pytest.approx(0.5)
    assert ratios(state(thd_pct=nothing, harmonic_pct=nothing, pst=nothing), limits(1))[0, 2:4].max() == 0.0


def test_unified__within_all_limits__is_the_largest_and_beyond_them_the_exceedances_add():
    found = unified(np.array([[0.2, 0.9, 0.4], [1.0, 0.3, 1.0], [1.5, 0.3, 1.25]]))

    assert found == pytest.approx([0.9, 1.0, 1.75])


def test_index__limits_and_grades__lie_where_they_are_said_to():
    index = index_of(np.array([[0.0], [0.33], [1.0 / 3.0], [1.0], [5.0 / 3.0], [1.7], [9.0]]))

    assert index == pytest.approx([100.0, 90.1, 90.0, 70.0, 50.0, 49.0, 0.0])
    codes = grade_codes(np.array([90.1, 90.0, 70.0, 69.9, 50.0, 49.9]))
    assert [GRADES[k] for k in codes] == ["excellent", "good", "good", "fair", "fair", "poor"]


def test_severity__voltage_on_the_curve__is_one():
    lasting = np.array([0.1, 0.3, 2.0])

    assert sag_severity(np.array([0.5, 0.7, 0.8]), lasting) == pytest.approx(1.0)
    assert swell_severity(np.array([1.2, 1.2]), np.array([0.1, 0.5])) == pytest.approx(1.0)
    assert (
        sag_severity(np.array([0.95]), lasting[:1])[0]
        == swell_severity(np.array([1.05]), lasting[:1])[0]
        == 0
    )


def put(columns, **values):
    for name, value in values.items():
        columns[name] = np.asarray(columns[name], dtype=object).tolist()
        columns[name][0] = value


def test_power_quality__sound_rows__are_kept(spoilt):
    assert spoilt("power_quality", lambda columns: None) == {}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("scenario_id_form", lambda c: put(c, scenario_id="delhi.test.1.quality.000000")),
        ("known_point", lambda c: put(c, point="NOWHERE")),
        ("time_grid", lambda c: put(c, t=int(c["t"][0]) - 60_000)),
        ("extremes", lambda c: put(c, u_min_pu=1.01)),
        ("events_agree", lambda c: put(c, flagged=True)),
        ("index_agrees", lambda c: put(c, unified=0.9)),
        ("worst_agrees", lambda c: put(c, worst="events")),
        ("pst.range", lambda c: put(c, pst=101.0)),
    ],
)
def test_power_quality__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert rule in spoilt("power_quality", spoil)


@pytest.mark.parametrize(
    ("found", "spoil"),
    [
        ({"harmonic_part", "ratios_agree"}, lambda c: put(c, harmonic_pct=4.0)),
        ({"ratios_agree"}, lambda c: put(c, vuf_limit_pct=2.0)),
        ({"index_agrees"}, lambda c: put(c, index=95.0, grade="excellent")),
        ({"grade_agrees"}, lambda c: put(c, grade="poor")),
    ],
)
def test_power_quality__formula_not_kept__is_named(spoilt, found, spoil):
    rejected = set(spoilt("power_quality", spoil))

    assert rejected
    assert rejected <= found
