"""How the tests of this layer compare floats with the oracle."""

import mpmath as mp


def relative_error(value, reference) -> float:
    """abs(value/reference - 1), formed at 50 digits; 0 where both are the same infinity or NaN."""
    with mp.workdps(50):
        exact, got = mp.mpf(reference), mp.mpf(float(value))
        if mp.isnan(exact) or mp.isnan(got):
            return 0.0 if mp.isnan(exact) and mp.isnan(got) else float("inf")
        if mp.isinf(exact) or mp.isinf(got):
            return 0.0 if exact == got else float("inf")
        return float(abs(got / exact - 1))
