"""Everything that knows Qdrant: connection, versions, points, search."""
