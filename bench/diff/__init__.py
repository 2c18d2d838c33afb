"""Two reports compared: `python -m bench.diff A B`."""
