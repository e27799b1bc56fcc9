"""Robot operators: they know the public position API and nothing else."""
