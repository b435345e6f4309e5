"""From arrays to embeddings and captions: models, batches, devices."""
