"""The stages: one file for each, named after its asset, and what they share."""
