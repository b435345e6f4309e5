"""The page: its shell, and the files that a browser loads with it."""
