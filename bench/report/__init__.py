"""The report of a comparison: `python -m bench.report NAME` rebuilds it from its records."""
