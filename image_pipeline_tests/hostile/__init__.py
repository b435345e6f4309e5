"""Damaged picture files and faults of worker processes, by the thousand: none costs more than its file."""
