"""Moving feeders between busbar sections and traction supplies between phase pairs, each move solved."""
