"""Dagster: assets, partitions, jobs, sensor, checks and resources, and the functions that run them for commands."""
