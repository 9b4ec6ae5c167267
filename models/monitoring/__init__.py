"""Models of what is measured now: anomalies, harmonics, frequency, unbalance."""
