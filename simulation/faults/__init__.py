"""Short circuits: where, how, how long, and what they do to the network."""
