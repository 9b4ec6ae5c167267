"""Errors of the contracts."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class ContractError(SwitchyardError):
    """A table, a file or a dataset breaks its contract and the run cannot go on.

    The message names the table, the file, the first offending row, its field, value and rule; the remedy says
    what to do about it.
    """
