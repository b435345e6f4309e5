"""Random histories of a library, with faults at random moments, against a model of what must hold."""
