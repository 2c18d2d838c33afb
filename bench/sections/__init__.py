"""The sections of a report, each from results to lines of markdown."""
