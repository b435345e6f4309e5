"""From bytes to arrays and metadata: decoders, parsers, worker processes."""
