"""Records of a utility's own become datasets: mapping, conversion, checks, quarantine, publication."""
