"""The library on disk: names, partitions, discovery, fingerprints, hashes."""
