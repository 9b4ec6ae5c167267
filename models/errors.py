"""What can go wrong between a table and a registered version."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class ModelError(SwitchyardError):
    """A model was declared, fitted or asked in a way that does not hold together."""


class DataError(SwitchyardError):
    """The tables do not hold what a model needs."""


class ParityError(SwitchyardError):
    """The compiled model answers otherwise than the fitted one."""


class PromotionError(SwitchyardError):
    """Two versions cannot be compared, or a version cannot become champion."""


class RegistryError(SwitchyardError):
    """The MLflow registry does not hold what was asked of it."""
