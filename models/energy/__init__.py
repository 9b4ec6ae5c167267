"""Models of energy: load, losses, power flow, demand response."""
