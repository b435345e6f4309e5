"""Dagster's page behind a guard, in a separate process, and the processes that work for it."""
