"""The vocabulary that all rooms share: rows, outcomes, formats, specifications, limits."""
