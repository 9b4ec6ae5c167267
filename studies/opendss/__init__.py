"""Studies of circuits that OpenDSS reads."""
