"""Turns a folder of photographs into a Qdrant collection that always agrees with the disk."""
