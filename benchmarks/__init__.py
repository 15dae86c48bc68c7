"""What a build costs, measured: `python -m benchmarks`."""
