"""A run's records for other programs that show runs: TensorBoard and MLflow."""
