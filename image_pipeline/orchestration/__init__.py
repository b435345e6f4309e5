"""Dagster's side: assets, partitions, jobs, sensor, checks and resources, and the commands that run them."""
