"""The stages: one file per stage, named after its asset, and the code that they share."""
