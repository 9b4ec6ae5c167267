"""Ten minutes of power quality: flicker, what makes it, and aggregation over the interval."""
