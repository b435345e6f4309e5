"""The search page and its HTTP API: `/api/v1`."""
