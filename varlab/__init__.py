"""varlab: the variance theory of RAdam, derived, decided by computing, simulated and audited."""

__version__ = "0.1.0"
