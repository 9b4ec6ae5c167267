"""Customers and the load of feeders."""

import numpy as np

from tests.data_contracts.small.arrow import START_MS


def customers_columns(count=4):
    """Columns of `customers`: days with one hump each, and the figures that they say."""
    hours = (np.arange(96) + 0.5) / 4.0
    shape = np.array([1.0 + 0.5 * k * np.exp(-(((hours - 19.0) / 2.0) ** 2)) for k in range(1, count + 1)])
    working, weekend = 1e4 * shape, 9e3 * shape
    mean, peak = (5 * working.mean(axis=1) + 2 * weekend.mean(axis=1)) / 7, working.max(axis=1)
    return {
        "customer": [f"mumbai-{k:06d}" for k in range(count)],
        "substation": ["mumbai"] * count,
        "point": ["F331"] * count,
        "sector": ["commercial"] * count,
        "working_w": list(working),
        "weekend_w": list(weekend),
        "mean_w": mean,
        "peak_w": peak,
        "load_factor": mean / peak,
        "night_share": working[:, :24].sum(axis=1) / working.sum(axis=1),
        "peak_hours_share": working[:, 72:88].sum(axis=1) / working.sum(axis=1),
        "weekend_ratio": weekend.sum(axis=1) / working.sum(axis=1),
        "ramp_pu": np.full(count, 0.2),
        "price_response_pct": np.full(count, 20.0),
        "temperature_pct_per_k": np.full(count, 1.5),
        "variability_pct": np.full(count, 8.0),
        "standby_pct": np.full(count, 25.0),
        "flexible_w": np.full(count, 2e3),
        "true_class": ["base_load", "peak_shaver", "flexible", "critical"][:count],
    }


def load_columns(facts):
    """Columns of `load`: one feeder's day in quarters of an hour."""
    day = 86_400_000
    t = START_MS - START_MS % day + 900_000 * np.arange(96)
    local = t + facts.utc_offset_s * 1000
    return {
        "substation": ["mumbai"] * 96,
        "point": ["F331"] * 96,
        "t": t,
        "p_w": 12e6 + 2e6 * np.sin(np.arange(96) / 15),
        "q_var": np.full(96, 3e6),
        "pv_w": np.zeros(96),
        "ambient_c": np.full(96, 28.0),
        "ghi_w_m2": np.zeros(96),
        "wind_m_s": np.full(96, 3.0),
        "lightning_per_h": np.zeros(96),
        "holiday": np.zeros(96, dtype=bool),
        "hour_local": (local % day) / 3_600_000,
        "day_of_week": ((local // day + 3) % 7).astype(np.int8),
        "p_noise_free_w": np.full(96, 12e6),
    }
