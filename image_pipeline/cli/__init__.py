"""The commands of `image-pipeline`, their options and their progress bars."""
