"""The models of the sources, at any size."""
