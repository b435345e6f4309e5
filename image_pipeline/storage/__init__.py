"""The store: ledger, caches, tables, tensors, thumbnails, claims and locks."""
