"""Metrics of the library and of Dagster's runs, for Prometheus."""
