"""Reports made apart, joined into one."""
