"""Generated inputs of the cases: photographs, libraries, points and models."""
