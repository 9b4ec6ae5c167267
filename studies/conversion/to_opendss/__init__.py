"""A pandapower network as an OpenDSS circuit."""
