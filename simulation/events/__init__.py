"""Voltage events of a whole campaign: when they come, what they do to the voltage, and what drives them."""
