"""How fast: interleaved measurements of speed, peak memory, and profiles."""
