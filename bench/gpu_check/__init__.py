"""What is run once on a machine with a GPU, to be brought home in one folder."""
