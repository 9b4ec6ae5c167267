"""Errors of the watch."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class MonitoringError(SwitchyardError):
    """Too few rows, an unknown feature, or a reference of another catalogue."""
