"""The second instrument: the workloads of `bench.timing.measure`, timed by pytest-benchmark.

`python -m bench.suite` adds its figures to a report; `python -m bench.suite.track` compares them
with the last saved run.
"""
