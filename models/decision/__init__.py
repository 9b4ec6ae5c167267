"""Models that advise: reactive power, load balancing, grid stability, dispatch."""
