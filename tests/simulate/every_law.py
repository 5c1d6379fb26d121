"""A law of each process, at parameters where an engine could go wrong."""

from varlab.simulate import (
    AR1,
    ARCH,
    Drift,
    Laplace,
    Normal,
    Rademacher,
    ScaleMixture,
    SharedMean,
    StudentT,
)

LAWS = [
    Normal(),
    Normal(1.0, 2.0),
    Normal(10.0),
    StudentT(3.0, 0.2),
    Laplace(),
    Rademacher(0.5),
    AR1(0.5, 0.3),
    SharedMean(0.5),
    Drift(0.01),
    ARCH(0.3),
    ScaleMixture(),
]
