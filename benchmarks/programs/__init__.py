"""Programs that run single parts of the pipeline, as other users of the package would call them."""
