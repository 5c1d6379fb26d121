"""What the assumptions' failure costs: the variance of log psi, and the violation budget of vhat."""
