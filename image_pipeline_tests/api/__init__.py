"""The inference service over HTTP, as other programs see it."""
