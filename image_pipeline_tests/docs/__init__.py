"""The documentation against the program: links, paths, tables and settings."""
