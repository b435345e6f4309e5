"""What a user would do otherwise, and what the machine can do at all; each a program of its own."""
