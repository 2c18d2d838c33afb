"""The counting exercise run for real: `python -m bench.counting`."""
