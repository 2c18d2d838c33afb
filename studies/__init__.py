"""Simulations of how often the suite's verdicts err; their results lie in `bench/statistics/`."""
