"""What can go wrong in a study, with the remedy."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class StudyError(SwitchyardError):
    """A circuit or network cannot be read, solved, or studied in the way that was asked for."""
