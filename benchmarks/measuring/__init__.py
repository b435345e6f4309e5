"""Measuring: processes from start to end, their memory, and what repeated runs come to."""
