"""What depends on t and sigma alone, applied to finished moments in float64."""

from __future__ import annotations

import numpy as np

from varlab.numerics.weights import bias_correction
from varlab.simulate.moments import Moments
from varlab.simulate.request import Request


def corrected(raw: Moments, request: Request) -> Moments:
    """From an engine's statistics of v (averages without bias correction, sigma = 1) to the real ones.

    With w2 = 1 - b2^t and w1 = 1 - b1^t: psi = sqrt(w2/v)/sigma, 1/vhat = w2/(v sigma^2),
    mhat psi = (m/w1) sqrt(w2/v), and the engine's log is log v.

    Parameters
    ----------
    raw : Moments
        ``values`` of shape (4, statistic, setting, step).
    request : Request
    """
    steps = np.arange(1, request.steps + 1)
    sigma = np.array([s.law.sigma for s in request.settings])[:, None]
    w1 = bias_correction(steps, request.beta1)
    w2 = np.stack([bias_correction(steps, s.beta2) for s in request.settings])
    maps = {
        "psi": (np.sqrt(w2) / sigma, np.zeros_like(w2)),
        "log_psi": (np.full_like(w2, -0.5), 0.5 * np.log(w2) - np.log(sigma)),
        "inverse_v": (w2 / sigma**2, np.zeros_like(w2)),
        "update": (np.sqrt(w2) / w1, np.zeros_like(w2)),
    }
    slope, offset = (np.stack([maps[s.name][i] for s in request.statistics]) for i in (0, 1))
    return raw.affine(slope, offset)
