"""Qdrant Edge, the embedded Qdrant: its shards, and what it lacks (aliases, metadata, turns of processes) beside it."""
