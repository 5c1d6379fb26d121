"""Monte-Carlo: gradient processes, streaming moments, engines that can be resumed and distributed."""

from varlab.simulate.api import simulate
from varlab.simulate.comparison import Comparison, compare
from varlab.simulate.draws import gradients
from varlab.simulate.inference import Assertion, agrees, mean_agrees, variance_agrees
from varlab.simulate.processes import (
    AR1,
    ARCH,
    LAWS,
    Cauchy,
    Drift,
    Laplace,
    Normal,
    Process,
    Rademacher,
    ScaleMixture,
    SharedMean,
    StudentT,
    law,
)
from varlab.simulate.progress import Progress
from varlab.simulate.simulation import Simulation

__all__ = [
    "simulate",
    "Simulation",
    "Progress",
    "gradients",
    "Comparison",
    "compare",
    "Assertion",
    "agrees",
    "mean_agrees",
    "variance_agrees",
    "Process",
    "Normal",
    "StudentT",
    "Cauchy",
    "Laplace",
    "Rademacher",
    "AR1",
    "SharedMean",
    "Drift",
    "ARCH",
    "ScaleMixture",
    "LAWS",
    "law",
]
