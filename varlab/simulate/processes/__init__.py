"""Gradient processes: small frozen objects, one per file."""

from varlab.simulate.processes.ar1 import AR1
from varlab.simulate.processes.arch import ARCH
from varlab.simulate.processes.base import Process
from varlab.simulate.processes.cauchy import Cauchy
from varlab.simulate.processes.drift import Drift
from varlab.simulate.processes.laplace import Laplace
from varlab.simulate.processes.normal import Normal
from varlab.simulate.processes.rademacher import Rademacher
from varlab.simulate.processes.registry import LAWS, law
from varlab.simulate.processes.scale_mixture import ScaleMixture
from varlab.simulate.processes.shared_mean import SharedMean
from varlab.simulate.processes.student_t import StudentT

__all__ = [
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
