"""Scenes, the demo library and the bundled models: beside the layers, used by the command line alone."""
