"""The limits that a model reads are those of every substation's description."""

import numpy as np
import pytest

import substations
from data_contracts.quality_index import F_LIMIT_SHARE, pst_limit
from features.context import limits

NAMES = [feature.name for feature in limits.FEATURES]


@pytest.mark.parametrize("name", substations.names())
def test_compute__points_of_a_description__gives_its_limits(name):
    described = substations.read(name)
    kv = np.array([point.nominal_kv for point in described.points])
    found = limits.compute(kv * 1e3 / np.sqrt(3), np.full(kv.size, described.frequency_hz))
    for row, point in zip(found, described.points, strict=True):
        permitted = described.limit(point.nominal_kv)
        assert dict(zip(NAMES, row, strict=True)) == {
            "v_min_limit_pu": permitted.v_min_pu,
            "v_max_limit_pu": permitted.v_max_pu,
            "vuf_limit_pct": permitted.vuf_pct,
            "thd_limit_pct": permitted.thd_pct,
            "harmonic_limit_pct": permitted.single_harmonic_pct,
            "pst_limit": pst_limit(point.nominal_kv),
            "f_dev_limit_hz": F_LIMIT_SHARE * described.frequency_hz,
        }


def test_compute__level_without_published_limits__is_missing():
    found = limits.compute(np.array([11e3, 220e3]) / np.sqrt(3), np.full(2, 50.0))
    assert np.isnan(found[0, :-1]).all()
    assert np.isfinite(found[1]).all()
    assert found[0, -1] == pytest.approx(0.5)
