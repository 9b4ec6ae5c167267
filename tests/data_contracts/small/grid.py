"""The grid above the station: its frequency, stability, dispatch and boundary."""

import numpy as np

from data_contracts.tables import TABLES
from tests.data_contracts.small.arrow import START_MS


def frequency_columns(facts, episodes=2, seconds=60, onset=20):
    """Columns of `frequency`: a frequency that sinks after `onset` seconds and comes back."""
    since = np.arange(seconds) - onset + 0.5
    after = np.maximum(since, 0.0)
    fall = 0.4 * (1.0 - np.exp(-after / 3.0)) - 0.01 * after
    slope = np.where(since > 0.0, 0.4 / 3.0 * np.exp(-after / 3.0) - 0.01, 0.0)
    rows = episodes * seconds
    sway = 0.02 * np.sin(np.arange(seconds) / 9.0)
    sways = 0.02 / 9.0 * np.cos(np.arange(seconds) / 9.0)
    return {
        "scenario_id": [f"mumbai.test.1.frequency.{k:06d}" for k in range(episodes) for _ in range(seconds)],
        "t": np.concatenate([START_MS + 3_600_000 * k + 1000 * np.arange(seconds) for k in range(episodes)]),
        "f_hz": np.tile(facts.frequency_hz - fall + sway, episodes).round(3),
        "quality": np.zeros(rows, dtype=np.int8),
        "f_true_hz": np.tile(facts.frequency_hz - fall + sway, episodes),
        "rocof_true_hz_s": np.tile(sways - slope, episodes),
        "inertia_s": np.full(rows, 4.5),
        "imbalance_pu": np.tile(np.where(since > 0.0, -0.06, 0.0), episodes),
        "governor_pu": np.tile(0.005 * after, episodes),
        "agc_pu": np.zeros(rows),
        "shed_pu": np.zeros(rows),
        "event": np.tile(np.where(since > 0.0, "unit_trip", "none"), episodes),
        "since_onset_s": [None if value <= 0.0 else value for value in np.tile(since, episodes)],
    }


def stability_columns(count=4):
    """Columns of `stability`: the third state has a failure without a solution, the last none itself."""
    table = TABLES["stability"]
    numbers = [column for column in table.columns if column.dtype == "float64"]
    solved = {column.name: [1.0] * count for column in numbers}
    lists = [column for column in table.columns if column.is_list]
    solved.update({column.name: [[1.0] * column.length] * count for column in lists})
    scores = {"voltage": [90.0, 65.0, 0.0, 0.0], "outages": [85.0, 70.0, 0.0, 0.0], "frequency": [95.0] * 4}
    solved.update({f"score_{name}": values for name, values in scores.items()})
    solved.update(
        load_mw=[5000.0] * count,
        generation_mw=[5050.0] * count,
        loss_mw=[50.0] * count,
        nadir_hz=[49.6] * count,
        nose_after_pct=[15.0, 6.0, 0.0, 0.0],
        severity=[0.86, 0.95, None, None],
        unsolved=[0.0, 0.0, 2.0, 0.0],
        score=[85.0, 65.0, 0.0, 0.0],
        residual_p_pu=[1e-10] * count,
        residual_q_pu=[-1e-10] * count,
        limiting_contingency=["line-b01-b02"] * count,
        worst_contingency=["line-b15-b16"] * count,
        largest_infeed=["unit-b34-coal"] * count,
        stability_class=["stable", "marginal", "unstable", "unstable"],
        limited_by=["outages", "voltage", "voltage", "voltage"],
    )
    hour = START_MS - START_MS % 3_600_000
    return {
        "scenario_id": [f"mumbai.test.1.contingency.{k:06d}" for k in range(count)],
        "t": [hour + 3_600_000 * k for k in range(count)],
        "status": ["ok"] * (count - 1) + ["islanded"],
        "reason": [""] * (count - 1) + ["2 buses are cut off"],
        **{name: [*values[:-1], None] for name, values in solved.items()},
    }


def dispatch_columns(hours):
    """Columns of `dispatch`: a park, a cheap and a dear station; no AC optimum in the last hour."""
    count = len(hours)
    wind = 100.0 + 5.0 * np.arange(count)
    load = np.full(count, 1000.0)
    merit, lossless = np.full(count, 700.0), np.full(count, 650.0)
    outputs = {
        "merit_order_mw": np.stack([wind, merit, 1010.0 - wind - merit], axis=1),
        "lossless_mw": np.stack([wind, lossless, 1010.0 - wind - lossless], axis=1),
        "ac_opf_mw": np.stack([wind, np.full(count, 660.0), 1012.0 - wind - 660.0], axis=1),
    }
    outputs["ac_opf_mw"][-1] = np.nan
    linear, quadratic = np.array([0.0, 2000.0, 4000.0]), np.array([0.0, 0.1, 0.3])
    costs = {name: (linear * p + quadratic * p**2).sum(axis=1) for name, p in outputs.items()}

    def with_nulls(values):
        return [None if np.isnan(value) else float(value) for value in values]

    def hourly(values):
        return with_nulls(np.repeat(values, 3))

    solved = np.where(np.arange(count) < count - 1, 1.0, np.nan)
    return {
        "t": [int(t) for t in hours for _ in range(3)],
        "unit": ["b08-wind", "b30-hydro", "b31-gas"] * count,
        "bus": [8, 30, 31] * count,
        "renewable": [True, False, False] * count,
        "minimum_mw": [0.0, 100.0, 50.0] * count,
        "available_mw": np.stack([wind, merit, np.full(count, 600.0)], axis=1).ravel(),
        "cost_per_mwh": np.tile(linear, count),
        "quadratic_per_mw2h": np.tile(quadratic, count),
        **{name: with_nulls(p.ravel()) for name, p in outputs.items()},
        "status": ["ok"] * (3 * count - 3) + ["not_converged"] * 3,
        "system_load_mw": hourly(load),
        "loss_estimate_mw": hourly(0.01 * load),
        "shed_mw": hourly(0.0 * load),
        "merit_cost": hourly(costs["merit_order_mw"]),
        "lossless_cost": hourly(costs["lossless_mw"]),
        "congested": [True] * (3 * count),
        "limiting_branch": ["line-b02-b03"] * (3 * count),
        "ac_opf_cost": hourly(costs["ac_opf_mw"]),
        "ac_loss_mw": hourly(12.0 * solved),
        "ac_loading_pct": hourly(100.0 * solved),
        "ac_v_min_pu": hourly(0.99 * solved),
        "ac_v_max_pu": hourly(1.05 * solved),
        "ac_limiting_branch": ["line-b02-b03"] * (3 * count - 3) + [None] * 3,
        "bus_load_mw": [np.full(39, 1000.0 / 39.0)] * (3 * count),
        "bus_load_mvar": [np.full(39, 5.0)] * (3 * count),
    }


def boundary_columns(hours):
    """Columns of `boundary`: a day of equal hours."""
    return {
        "substation": ["mumbai"] * 24,
        "t": hours,
        "v_pu": np.full(24, 1.02),
        "angle_deg": np.full(24, -8.0),
        "short_circuit_mva": np.full(24, 12_000.0),
        "r_over_x": np.full(24, 0.1),
        "load_mw": np.full(24, 420.0),
        "price_per_mwh": np.full(24, 35.0),
        "system_load_mw": np.full(24, 6000.0),
        "dispatch_cost": np.full(24, 1.2e5),
        "congested": np.ones(24, dtype=bool),
    }
