"""Libraries report to their makers unless told not to; nothing leaves a substation unasked."""

from __future__ import annotations

import os

OFF = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "FLWR_TELEMETRY_ENABLED": "0",
    "GX_ANALYTICS_ENABLED": "false",
}


def switch_off() -> None:
    """Set every library's opt-out for this process and its children."""
    os.environ.update(OFF)
