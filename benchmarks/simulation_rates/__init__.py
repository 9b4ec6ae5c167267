"""What `benchmarks.simulate` measures, one kind of work a module."""
