"""The station's states over a whole campaign: what it loses, and what its settings could save."""
