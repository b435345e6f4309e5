"""References: programs for the usual alternatives, and for the limits of the machine."""
