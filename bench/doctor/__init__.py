"""What may be wrong with a machine, an installation, data or reports, and what to do about it."""
