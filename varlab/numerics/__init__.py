"""The laws of the theory as stable numbers."""
