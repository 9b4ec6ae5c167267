"""Studies of any network: power flow, faults, harmonics, contingencies, optimal power flow, time series."""
