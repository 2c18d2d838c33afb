"""What is kept: records on disk, the digests that key them, the environment, and errors."""
