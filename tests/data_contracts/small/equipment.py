"""Pieces of equipment: hot transformers, and days of condition."""

import numpy as np

from tests.data_contracts.small.arrow import START_MS


def thermal_columns(minutes=90):
    """Columns of `thermal`: two transformers, one of them loaded beyond its rating for a while."""
    k = np.arange(minutes)
    hump = np.exp(-(((k - 40.0) / 15.0) ** 2))
    load = np.concatenate([0.6 + 0.8 * hump, 0.5 + 0.1 * hump])
    oil = np.concatenate([60.0 + 40.0 * hump, 50.0 + hump])
    hot = oil + 25.0 * load
    rate = 2.0 ** ((hot - 98.0) / 6.0)
    ahead = [hot[r + 1 : r + 61].max() if r % minutes < minutes - 60 else None for r in range(2 * minutes)]
    return {
        "scenario_id": ["mumbai.test.1.thermal.000000"] * (2 * minutes),
        "asset": np.repeat(np.array(["AT1", "DTX1"], dtype=object), minutes),
        "t": np.tile(START_MS + 60_000 * k, 2),
        "load_pu": load,
        "load_metered_pu": np.round(load, 3),
        "ambient_c": np.full(2 * minutes, 31.0),
        "cooling_stage": ["ONAF"] * (2 * minutes),
        "event": np.array(["load_growth"] * minutes + ["none"] * minutes, dtype=object),
        "top_oil_measured_c": np.round(oil),
        "top_oil_c": oil,
        "hot_spot_c": hot,
        "hot_spot_ieee_c": hot - 1.0,
        "ageing_rate": rate,
        "ageing_acceleration": np.exp(15000 / 383 - 15000 / (hot + 273)),
        "loss_of_life_h": np.cumsum(rate.reshape(2, -1), axis=1).ravel() / 60.0,
        "loading_regime": np.where(hot > 120.0, "long_emergency", "normal_cyclic").astype(object),
        "hot_spot_next_60min_max_c": np.array(ahead, dtype=object),
    }


def assets_columns(facts, days=40):
    """Columns of `assets`: a breaker that fails after ten days and comes back, a transformer that lives."""
    first = START_MS - (START_MS + facts.utc_offset_s * 1000) % 86_400_000
    day, rows = np.arange(days, dtype=float), 2 * days
    on = np.concatenate([(day < 10) | (day >= 15), np.ones(days, dtype=bool)])
    spell = np.concatenate([(day >= 15).astype(int), np.zeros(days, dtype=int)])
    time = np.concatenate([np.where(day < 10, 9.5 - day, days - 1 - day), days - 1 - day])
    failed = np.concatenate([day < 10, np.zeros(days, dtype=bool)])
    known = on & (failed | (time >= 30))
    oil = np.arange(rows) >= days

    def where(mask, values):
        return [
            value if shown else None for shown, value in zip(mask, np.asarray(values).tolist(), strict=True)
        ]

    def everywhere(**values):
        return {name: np.full(rows, value) for name, value in values.items()}

    return {
        "substation": ["mumbai"] * rows,
        "asset": ["BC33.CB"] * days + ["DTX1"] * days,
        "t": [int(first + 86_400_000 * k) for k in range(days)] * 2,
        "kind": ["breaker"] * days + ["transformer"] * days,
        "bay": ["BC33"] * days + ["DTX1.HV"] * days,
        "in_service": on,
        "forced_outage": ~on,
        "spell": spell,
        **everywhere(age_years=12.0, maintenance_age_d=90.0, maintained=False, ambient_c=27.0),
        **everywhere(load_pu=0.4, peak_load_pu=0.6, hot_spot_c=65.0, ageing_rate=0.02),
        **everywhere(insulation_age_d=80.0, harmonic_factor=2.2, through_faults=1, through_faults_total=9),
        **everywhere(i2t_ka2s=1.5, i2t_total_ka2s=14.0),
        "moisture_pct": where(oil, np.full(rows, 1.8)),
        "oltc_operations": where(oil, np.full(rows, 50_000)),
        "breaker_operations": where(~oil, np.full(rows, 120)),
        **{
            f"{gas}_ppm": where(oil, np.full(rows, ppm))
            for gas, ppm in (("h2", 40.0), ("ch4", 20.0), ("c2h2", 0.5), ("c2h4", 15.0), ("co", 300.0))
        },
        "dga_age_d": where(oil, np.full(rows, 30.0)),
        **everywhere(anomalies_24h=1, anomalies_7d=2, anomalies_30d=4, defect_severity=0.1),
        "hazard_per_d": np.where(on, 1e-4, 0.0),
        "risk_30d": np.where(on, 0.004, 0.0),
        "time_to_event_d": where(on, time),
        "failed": where(on, failed),
        "failed_within_30d": where(known, failed),
    }
