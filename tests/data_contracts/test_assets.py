"""Rules of `assets`: each is broken once. Row 0 is before a failure, row 40 is a transformer's first."""

import pytest


def put(columns, name, value, row=0):
    columns[name] = list(columns[name])
    columns[name][row] = value


def put_all(columns, row=0, **values):
    for name, value in values.items():
        put(columns, name, value, row)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("this_substation", lambda c: put(c, "substation", "delhi")),
        ("known_asset", lambda c: put(c, "asset", "DTX9", row=79)),
        ("unique_key", lambda c: put(c, "t", c["t"][40], row=41)),
        ("time_increasing", lambda c: put(c, "t", c["t"][0] - 86_400_000, row=79)),
        ("local_day", lambda c: put(c, "t", c["t"][79] + 3_600_000, row=79)),
        ("kind.allowed", lambda c: put(c, "kind", "pump")),
        ("service_agrees", lambda c: put(c, "forced_outage", True, row=50)),
        ("service_agrees", lambda c: put_all(c, 12, hazard_per_d=1e-4, risk_30d=0.01)),
        ("service_agrees", lambda c: put(c, "failed", False, row=12)),
        ("label_agrees", lambda c: put(c, "failed_within_30d", False)),
        ("label_agrees", lambda c: put(c, "failed_within_30d", True, row=42)),
        ("label_agrees", lambda c: put(c, "failed_within_30d", None, row=42)),
        ("label_agrees", lambda c: put(c, "failed_within_30d", False, row=79)),
        ("countdown", lambda c: put(c, "time_to_event_d", 1.2, row=79)),
        ("countdown", lambda c: put_all(c, 9, failed=False, failed_within_30d=None)),
        ("spells", lambda c: put(c, "spell", 1, row=79)),
        ("totals", lambda c: put(c, "through_faults", 10)),
        ("totals", lambda c: put(c, "i2t_ka2s", 15.0)),
        ("totals", lambda c: put(c, "anomalies_24h", 3)),
        ("totals", lambda c: put(c, "anomalies_7d", 5)),
        ("risk_agrees", lambda c: put(c, "risk_30d", 1e-5)),
        ("sample_whole", lambda c: put(c, "co_ppm", None, row=40)),
        ("sample_whole", lambda c: put(c, "dga_age_d", 3.0)),
        ("moisture_pct.range", lambda c: put(c, "moisture_pct", 18.0, row=40)),
        ("harmonic_factor.range", lambda c: put(c, "harmonic_factor", 0.9)),
        ("defect_severity.range", lambda c: put(c, "defect_severity", 1.1)),
        ("age_years.finite", lambda c: put(c, "age_years", float("nan"))),
    ],
)
def test_assets__one_row_spoilt__is_rejected_by_its_rule(spoilt, rule, spoil):
    assert spoilt("assets", spoil) == {rule: 1}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda c: None, id="as they are"),
        pytest.param(lambda c: put(c, "risk_30d", 1.0), id="sure to fail"),
        pytest.param(lambda c: put_all(c, through_faults=0, i2t_ka2s=0.0), id="a quiet day"),
    ],
)
def test_assets__what_happens_to_equipment__is_kept(spoilt, spoil):
    assert spoilt("assets", spoil) == {}
