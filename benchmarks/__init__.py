"""Measures the pipeline against what a user would do otherwise, and against what the machine can do at all."""
