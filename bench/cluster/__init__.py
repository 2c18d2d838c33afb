"""Cells trained on a Dask cluster that is there already, with the same bits and the same records.

`distributed` is imported by functions that need it, so that all else works without it.
"""
