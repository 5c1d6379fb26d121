"""The laws of the theory as stable numbers."""

from varlab.numerics.degrees_of_freedom import degrees_of_freedom, first_adaptive_step, rho_inf
from varlab.numerics.inverse_chi import (
    delta_method_variance,
    log_psi_variance,
    psi_mean,
    psi_variance,
)
from varlab.numerics.rectification import rectification

__all__ = [
    "degrees_of_freedom",
    "delta_method_variance",
    "first_adaptive_step",
    "log_psi_variance",
    "psi_mean",
    "psi_variance",
    "rectification",
    "rho_inf",
]
