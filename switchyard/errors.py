"""Errors that name the trouble and the remedy."""

from __future__ import annotations


class SwitchyardError(Exception):
    """Base of every error that Switchyard raises on purpose.

    Attributes:
        message: What is wrong, naming the file, field, value and rule.
        remedy: What the reader can do about it; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}" if self.remedy else self.message


class UsageError(SwitchyardError):
    """A command or function was called with arguments that do not fit together."""


class ConfigurationError(SwitchyardError):
    """A setting, profile or file of the installation is missing or wrong."""
