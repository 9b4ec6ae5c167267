"""What can go wrong between a published snapshot and a running worker."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class SnapshotError(SwitchyardError):
    """A snapshot is missing, damaged or was made for another feature catalogue or contract."""


class ProofError(SnapshotError):
    """A compiled model does not reproduce its golden answers on this machine."""


class ModelError(SwitchyardError):
    """A compiled model could not answer; the item's other models are not touched by it."""
