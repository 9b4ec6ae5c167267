"""A compiled OpenDSS circuit, element by element, as pandapower has them."""
