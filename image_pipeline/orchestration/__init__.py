"""The Dagster side: assets, partitions, jobs, sensor, checks and resources, and what runs them for the commands."""
