"""The whole pipeline through its commands: what several rooms promise together."""
