"""Switchyard: orchestrated machine learning for electrical substations."""

from switchyard.telemetry import switch_off

__version__ = "0.1.0"

# Libraries read their opt-outs when they are first imported, and every room imports this package before them.
switch_off()
