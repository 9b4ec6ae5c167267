"""Errors of ingestion."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class IngestionError(SwitchyardError):
    """A file or a mapping cannot become a dataset.

    The message names the file, the row or field, the value and the rule; the remedy says what to do.
    """
