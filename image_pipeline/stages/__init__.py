"""The stages: what each one reads, computes, writes, and adds to a point."""
