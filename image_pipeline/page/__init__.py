"""Dagster's page behind a guard, in a process of its own, and the processes that work for it."""
