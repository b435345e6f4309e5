"""What is measured on: photographs, libraries of them, and models, all made here."""
