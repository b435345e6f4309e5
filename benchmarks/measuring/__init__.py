"""Measurement: whole processes, their memory, and statistics of repeated runs."""
