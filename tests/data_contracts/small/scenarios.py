"""Episodes of a campaign."""

from tests.data_contracts.small.arrow import START_MS


def scenarios_columns():
    """Columns of `scenarios`: one that was solved, one that was not."""
    return {
        "scenario_id": ["mumbai.test.1.normal.000000", "mumbai.test.1.fault.000000"],
        "kind": ["normal", "fault"],
        "status": ["ok", "not_converged"],
        "reason": ["", "iteration_limit"],
        "t_start": [START_MS, START_MS + 3_600_000],
        "seconds": [60, 30],
        "cause": ["none", "sag"],
        "severity": [None, 8.5],
        "circuit_digest": ["0" * 64, "f" * 64],
        "parameters": ["{}", '{"r_fault_ohm": 3.5}'],
    }
