"""Benchmarks of the pipeline against the usual alternatives and against the limits of the machine."""
