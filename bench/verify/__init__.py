"""Recorded cells trained again and compared bit for bit: `python -m bench.verify NAME`."""
