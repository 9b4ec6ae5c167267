"""Errors of the features."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class FeatureError(SwitchyardError):
    """Arrays, readings or a file of features do not fit together."""
