"""What measures speed: `python -m benchmarks.<name>` prints one JSON object as the last line of stdout."""
