"""The laws of the theory as stable numbers.

Closed forms for rho degrees of freedom (``psi_mean``, ``psi_variance``, ``ScaledInverseChi``), the exact
law of the EMA (``AdaptiveRate``, ``psi_variance_path``), degrees of freedom, rectification, warm-ups and
Adam's step bound; ``oracle`` and ``oracle_law`` are their slow mpmath twins. Functions take array-likes
and return arrays of the broadcast shape; scalars give NumPy scalars.
"""

from varlab.numerics.adaptive_rate import AdaptiveRate
from varlab.numerics.bounds import step_bound
from varlab.numerics.degrees_of_freedom import degrees_of_freedom, first_adaptive_step, rho_inf
from varlab.numerics.inverse_chi import (
    delta_method_variance,
    log_psi_variance,
    psi_mean,
    psi_variance,
)
from varlab.numerics.path import psi_variance_at, psi_variance_path
from varlab.numerics.rectification import rectification
from varlab.numerics.scaled_inverse_chi import ScaledInverseChi
from varlab.numerics.warmup import (
    effective_warmup_period,
    exponential_warmup_multiplier,
    linear_warmup_multiplier,
)
from varlab.numerics.weights import ema_weights

__all__ = [
    "AdaptiveRate",
    "ScaledInverseChi",
    "degrees_of_freedom",
    "delta_method_variance",
    "effective_warmup_period",
    "ema_weights",
    "exponential_warmup_multiplier",
    "first_adaptive_step",
    "linear_warmup_multiplier",
    "log_psi_variance",
    "psi_mean",
    "psi_variance",
    "psi_variance_at",
    "psi_variance_path",
    "rectification",
    "rho_inf",
    "step_bound",
]
