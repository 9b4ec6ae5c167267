"""States of a station, and what other settings and arrangements would do to them."""

import numpy as np

from tests.data_contracts.small.arrow import START_MS


def losses_columns(count=4):
    """Columns of `losses`: states a quarter apart, the last of them without a solution."""
    steps = np.arange(count)
    resistive, reactive, core = 8e5 + 1e5 * steps, 1e5 + 1e4 * steps, np.full(count, 4e5)
    total, served = resistive + reactive + core, 2e8 + 1e7 * steps
    solved = {
        "taps": ["AT1:9,DTX1:10"] * count,
        "capacitor_steps": ["C1:1"] * count,
        "v_infeed_pu": np.full(count, 1.01),
        "v_metered_pu": np.full(count, 1.012),
        "loading_max_pct": np.full(count, 60.0),
        "winding_max_c": np.full(count, 70.0),
        "p_supplied_w": served + total,
        "q_supplied_var": np.full(count, 3e7),
        "total_w": total,
        "resistive_w": resistive,
        "reactive_w": reactive,
        "core_w": core,
        "transformers_w": 0.4 * total,
        "lines_w": 0.5 * total,
        "shunts_w": 0.1 * total,
        "harmonic_w": np.full(count, 5e3),
        "residual_p_pu": np.full(count, 1e-9),
        "residual_q_pu": np.full(count, -1e-9),
    }
    return {
        "scenario_id": [f"mumbai.test.1.state.{k // 2:06d}" for k in range(count)],
        "t": START_MS - START_MS % 900_000 + 900_000 * steps,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "reason": [""] * (count - 1) + ["no power-flow solution"],
        "p_served_w": served,
        "q_served_var": np.full(count, 5e7),
        "p_metered_w": 1.001 * served,
        "q_metered_var": np.full(count, 5.1e7),
        "p_metered_low_w": 0.2 * served,
        "ambient_c": np.full(count, 28.0),
        "ghi_w_m2": np.zeros(count),
        "wind_m_s": np.full(count, 3.0),
        "thd_i_pct": np.full(count, 3.5),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
        "nameplate_w": 0.95 * total,
        "design_resistive": np.full(count, 0.6),
        "design_reactive": np.full(count, 0.1),
        "design_core": np.full(count, 0.3),
    }


def controls_columns(states=2, settings=3):
    """Columns of `controls`: the second setting is the present one, the last of all has no solution."""
    count = states * settings
    setting = np.tile(np.arange(settings), states)
    solved = {
        "loss_w": 1.5e6 + 1e4 * setting,
        "q_supplied_var": 3e7 - 1e6 * setting,
        "v_min_pu": 0.97 + 0.01 * setting,
        "v_max_pu": 1.01 + 0.01 * setting,
        "violations": np.zeros(count, dtype=np.int64),
        "overloads": np.zeros(count, dtype=np.int64),
        "loading_pct": [[40.0, 40.0, 65.0, 52.0]] * count,
    }
    return {
        "scenario_id": [f"mumbai.test.1.state.{k // settings:06d}" for k in range(count)],
        "setting": setting,
        "t": START_MS - START_MS % 900_000 + 900_000 * (np.arange(count) // settings),
        "present": setting == 1,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "taps": [f"AT1:{k}" for k in setting],
        "capacitor_steps": ["C1:1"] * count,
        "p_served_w": 2e8 + 1e7 * (np.arange(count) // settings),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
    }


def compensation_columns(states=2):
    """Columns of `compensation`: two banks a state, the last of all without a result."""
    count = 2 * states
    solved = {
        "p_fed_metered_w": np.full(count, 2.5e7),
        "q_fed_metered_var": np.full(count, 3e6),
        "v_metered_pu": np.full(count, 1.02),
        "p_feeders_metered_w": [[4e7, 2.5e7]] * count,
        "q_feeders_metered_var": [[1e7, 8e6]] * count,
        "optimal_var": np.full(count, 9e6),
        "limited_by": ["none", "power_factor", "voltage", "size"] * (count // 4),
        "power_factor": np.full(count, 0.97),
        "saved_w": np.full(count, 5e3),
        "metered_optimal_var": np.full(count, 9.1e6),
        "steps_loss_w": [[1.52e6, 1.51e6]] * count,
    }
    return {
        "scenario_id": [f"mumbai.test.1.state.{k // 2:06d}" for k in range(count)],
        "t": START_MS - START_MS % 900_000 + 900_000 * (np.arange(count) // 2),
        "bank": ["C1", "C2"] * states,
        "point": ["DTX1.LV", "F331"] * states,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "steps": np.ones(count, dtype=np.int64),
        "v_infeed_metered_pu": np.full(count, 1.0),
        "taps": ["AT1:9"] * count,
        "capacitor_steps": ["C1:1,C2:1"] * count,
        "ambient_c": np.full(count, 28.0),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
    }


def transfers_columns(states=2, arrangements=3):
    """Columns of `transfers`: the first arrangement is the present one, the last of all has no solution."""
    count = states * arrangements
    transfer = np.tile(np.arange(arrangements), states)
    present = (transfer == 0).tolist()
    solved = {
        "taps": ["AT1:9"] * count,
        "capacitor_steps": ["C1:1"] * count,
        "loss_w": 1.5e6 + 1e4 * transfer,
        "cost": 2e4 + 2e3 * transfer,
        "loading_pct": [[40.0, 40.0, 65.0, 52.0]] * count,
        "loading_max_pct": np.full(count, 65.0),
        "phase_loading_pct": [[40.0] * 6 + [65.0, 60.0, 70.0, 52.0, 50.0, 54.0]] * count,
        "loading_imbalance_pct": np.full(count, 11.1),
        "imbalance_pct": 20.0 - 4.0 * transfer,
        "reduction_pct": 20.0 * transfer,
        "vuf_pct": [[0.2, 0.2, 0.6, 0.6, 1.1, 0.4]] * count,
        "vuf_max_pct": np.full(count, 1.1),
        "v_min_pu": np.full(count, 0.95),
        "v_max_pu": np.full(count, 1.03),
        "violations": np.zeros(count, dtype=np.int64),
        "overloads": np.zeros(count, dtype=np.int64),
        "unbalanced": np.zeros(count, dtype=np.int64),
        "permitted": [True] * count,
        "residual_p_pu": np.full(count, 1e-8),
        "residual_q_pu": np.full(count, -1e-8),
    }
    metered = {
        "v_metered_v": [19e3, 19.1e3, 18.9e3],
        "p_metered_w": [4e6, 4.1e6, 3.9e6],
        "q_metered_var": [1e6, 1.1e6, 0.9e6],
        "p_traction_metered_w": [8e6],
        "q_traction_metered_var": [4e6],
    }
    return {
        "scenario_id": [f"mumbai.test.1.transfer.{k // arrangements:06d}" for k in range(count)],
        "transfer": transfer,
        "t": START_MS - START_MS % 900_000 + 900_000 * (np.arange(count) // arrangements),
        "present": present,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "reason": [""] * (count - 1) + ["no power-flow solution"],
        "moves": ["" if now else "F331:lv1>lv2" for now in present],
        "sections": ["F331:lv1" if now else "F331:lv2" for now in present],
        "traction": ["TR1:bc"] * count,
        "running": ["TR1"] * count,
        "feeders_moved": (transfer > 0).astype(np.int64),
        "supplies_moved": np.zeros(count, dtype=np.int64),
        "operations": 4 * (transfer > 0),
        "p_served_w": 2e8 + 1e7 * (np.arange(count) // arrangements),
        "price_per_mwh": np.full(count, 3000.0),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
        **{name: [values if now else None for now in present] for name, values in metered.items()},
    }
