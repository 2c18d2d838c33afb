"""What runs: data, plans of cells, training, counting, and the jobs that carry cells out."""
