"""The laws of the theory as stable numbers."""

from varlab.numerics.degrees_of_freedom import degrees_of_freedom, first_adaptive_step, rho_inf
from varlab.numerics.inverse_chi import (
    delta_method_variance,
    log_psi_variance,
    psi_mean,
    psi_variance,
)
from varlab.numerics.path import psi_variance_at, psi_variance_path
from varlab.numerics.rectification import rectification
from varlab.numerics.weights import ema_weights

__all__ = [
    "degrees_of_freedom",
    "delta_method_variance",
    "ema_weights",
    "first_adaptive_step",
    "log_psi_variance",
    "psi_mean",
    "psi_variance",
    "psi_variance_at",
    "psi_variance_path",
    "rectification",
    "rho_inf",
]
