"""Reported accuracies and scores.

Differences of reported accuracies against binomial noise, and whether a reported standard deviation is
possible at all for scores of two decimals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
from scipy import stats

from varlab.core import Claim, ClaimKind, Context, Finding, generator, monte_carlo, numeric

LEVEL = 0.05
TWO_SIDED = float(stats.norm.isf(LEVEL / 2))


@dataclass(frozen=True)
class Comparison:
    """Two reported accuracies on the same number of test images.

    Attributes
    ----------
    label : str
    better, worse : float
        Accuracies in (0, 1); a directed statement says that the first is the larger one.
    images : int
        Size of the test set.
    runs : int
        Runs that each accuracy is the mean of.
    """

    label: str
    better: float
    worse: float
    images: int
    runs: int = 1

    def z(self, trials: int) -> float:
        """Two-proportion z-score, pooled variance, for ``trials`` independent answers a side."""
        pooled = (self.better + self.worse) / 2
        return (self.better - self.worse) / math.sqrt(2 * pooled * (1 - pooled) / trials)


@dataclass(frozen=True)
class BeyondNoise:
    """The statement that every difference exceeds binomial noise at the 5% level, two-sided.

    Attributes
    ----------
    comparisons : tuple of Comparison
    critical : float
        The z-score to exceed.
    directed : bool
        Whether the first accuracy is said to be the larger one, or only to differ.
    """

    comparisons: tuple[Comparison, ...]
    critical: float = TWO_SIDED
    directed: bool = True

    def z(self, comparison: Comparison) -> float:
        """The z-score that speaks for the statement: signed when it has a direction."""
        z = smallest_z(comparison)
        return z if self.directed else abs(z)


def smallest_z(comparison: Comparison) -> float:
    """The conservative reading: all runs answer the same images alike, so runs add no trials."""
    return comparison.z(comparison.images)


def largest_z(comparison: Comparison) -> float:
    """The generous reading: runs as independent test sets."""
    return comparison.z(comparison.images * comparison.runs)


def describe(comparison: Comparison) -> str:
    """Label and z-scores of both readings."""
    text = f"{comparison.label}: {comparison.better:.4f} against {comparison.worse:.4f}, z = "
    if comparison.runs == 1:
        return text + f"{smallest_z(comparison):.2f}"
    return (
        text + f"{largest_z(comparison):.2f} with {comparison.runs} runs as independent, "
        f"{smallest_z(comparison):.2f} with all runs on the same {comparison.images} images"
    )


def check_z_scores(formula: BeyondNoise, _: Context) -> Finding:
    """Every comparison, in the reading that favours the statement least."""
    detail = "; ".join(describe(c) for c in formula.comparisons)
    bonferroni = float(stats.norm.isf(LEVEL / 2 / len(formula.comparisons)))
    passing = [c.label for c in formula.comparisons if formula.z(c) > bonferroni]
    detail += (
        f". Critical {formula.critical:.2f}; corrected for {len(formula.comparisons)} comparisons "
        f"{bonferroni:.2f}, which is passed by: {', '.join(passing) or 'none'}. Binomial noise of the "
        "test set only: the spread between training runs comes on top. Both sides answer the same test "
        "images, so their errors go together and the unpaired test, which takes them as independent, is "
        "conservative; how far, the accuracies alone do not tell"
    )
    weakest = min(formula.comparisons, key=formula.z)
    if formula.z(weakest) > formula.critical:
        return Finding.supports(detail, domain="test-set noise, one test at the 5% level each")
    beyond = [c.label for c in formula.comparisons if formula.z(c) > formula.critical]
    return Finding.refutes(
        detail,
        counterexample={
            "comparison": weakest.label,
            "first": weakest.better,
            "second": weakest.worse,
            "z (same images)": smallest_z(weakest),
            "z (runs independent)": largest_z(weakest),
            "critical": formula.critical,
        },
        domain=f"beyond noise: {', '.join(beyond)}" if beyond else None,
    )


def check_exact_tail(formula: BeyondNoise, context: Context) -> Finding:
    """The same by simulating equal accuracies: how often a difference as large appears by chance.

    400,000 pairs of binomial counts; the share p has a standard error of sqrt(p(1-p)/4e5), below
    3.5e-4 at p = 0.05. A comparison whose p lies within five of these of the critical level says
    nothing (then silent): false-fail rate below 1e-6.
    """
    draws = 400_000
    rng = generator(context.seed, "claims", context.claim)
    critical = 2 * float(stats.norm.sf(formula.critical))
    shares = {}
    for c in formula.comparisons:
        counts = rng.binomial(c.images, (c.better + c.worse) / 2, size=(2, draws))
        gap = np.abs(counts[0] - counts[1])
        shares[c.label] = float(np.mean(gap >= round(abs(c.better - c.worse) * c.images)))
    worst = max(shares, key=lambda label: shares[label])
    detail = "chance of a difference as large in either direction, equal accuracies: " + ", ".join(
        f"{label} {share:.2g}" for label, share in shares.items()
    )
    reverse = [c for c in formula.comparisons if formula.directed and c.better <= c.worse]
    if reverse:
        return Finding.refutes(
            detail + f"; {reverse[0].label} goes in the other direction",
            counterexample={
                "comparison": reverse[0].label,
                "first": reverse[0].better,
                "second": reverse[0].worse,
            },
        )
    if abs(shares[worst] - critical) < 5 * math.sqrt(critical / draws):
        return Finding.silent(detail + "; too close to the level to tell")
    if shares[worst] < critical:
        return Finding.supports(detail)
    return Finding.refutes(
        detail, counterexample={"comparison": worst, "chance": shares[worst], "level": critical}
    )


@dataclass(frozen=True)
class ReportedSpread:
    """A mean and a standard deviation as printed, of ``count`` scores with two decimals.

    Attributes
    ----------
    label : str
    mean : str
        Printed with two decimals.
    deviation : str
        Printed with three decimals.
    count : int
    """

    label: str
    mean: str
    deviation: str
    count: int = 5


# Scores further than this many hundredths from the mean have far larger deviations than any in question.
WIDTH = 10


def offset_sets(count: int) -> Iterator[tuple[int, ...]]:
    """Scores as hundredths from the printed mean, whose own mean rounds to it (ties either way)."""
    for offsets in combinations_with_replacement(range(-WIDTH, WIDTH + 1), count):
        if 2 * abs(sum(offsets)) <= count:
            yield offsets


def possible_spreads(count: int) -> dict[str, set[float]]:
    """All values, in score units, of the three things that a +- may mean."""
    squares = {
        (count * sum(o * o for o in offsets) - sum(offsets) ** 2) for offsets in offset_sets(count)
    }
    # squares = count * sum of squared deviations, in hundredths squared.
    unit = 0.01
    return {
        "standard deviation, ddof 1": {unit * math.sqrt(q / count / (count - 1)) for q in squares},
        "standard deviation, ddof 0": {unit * math.sqrt(q / count**2) for q in squares},
        "standard error of the mean": {
            unit * math.sqrt(q / count / (count - 1) / count) for q in squares
        },
    }


def prints_as(value: float, printed: str) -> bool:
    """Whether ``value`` rounds to ``printed`` (half a unit of its last digit, ties either way)."""
    decimals = len(printed.split(".")[1])
    return abs(value - float(printed)) <= 0.5 * 10.0**-decimals * (1 + 1e-9)


def check_spread(formula: tuple[ReportedSpread, ...], _: Context) -> Finding:
    """Enumerate all sets of five scores and see which deviations can be printed."""
    impossible: ReportedSpread | None = None
    lines = []
    spreads: dict[str, set[float]] = {}
    for reported in formula:
        spreads = possible_spreads(reported.count)
        verdicts = {
            name: any(prints_as(value, reported.deviation) for value in values)
            for name, values in spreads.items()
        }
        lines.append(
            f"{reported.label} {reported.mean} +- {reported.deviation}: "
            + ", ".join(
                f"{name} {'possible' if ok else 'impossible'}" for name, ok in verdicts.items()
            )
        )
        deviations = [ok for name, ok in verdicts.items() if name.startswith("standard deviation")]
        if not any(deviations):
            impossible = impossible or reported
    smallest = {name: min(v for v in values if v > 0) for name, values in spreads.items()}
    shown = ", ".join(f"{name} {value:.5f}" for name, value in smallest.items())
    detail = (
        "; ".join(lines)
        + f". Smallest values other than 0: {shown}. Scores with more decimals, or a "
        "standard error printed as a deviation, would explain it"
    )
    if impossible is None:
        return Finding.supports(detail, domain="five scores of two decimals")
    return Finding.refutes(
        detail,
        counterexample={
            "mean": impossible.mean,
            "stated deviation": impossible.deviation,
            "smallest possible, ddof 0": smallest["standard deviation, ddof 0"],
            "smallest possible, ddof 1": smallest["standard deviation, ddof 1"],
        },
    )


TABLE1 = BeyondNoise(
    (
        Comparison("CIFAR-10", 0.9138, 0.9054, 10_000),
        Comparison("ImageNet", 0.6762, 0.6654, 50_000),
    )
)
LENET = BeyondNoise(
    (
        Comparison("lr 1e-3, decay", 0.5617, 0.5476, 10_000, runs=2),
        Comparison("lr 1e-4, decay", 0.5636, 0.5688, 10_000, runs=3),
    ),
    directed=False,
)
TABLE2 = (
    ReportedSpread("RAdam", "34.76", "0.003"),
    ReportedSpread("Adam with warm-up", "34.66", "0.014"),
)

CLAIMS = (
    Claim(
        id="blog1.lenet-decay",
        source="B1",
        statement="LeNet-5, CIFAR-10, Adam: learning-rate decay changes the accuracy by more than "
        "binomial noise (0.5617 against 0.5476 at lr 1e-3, 0.5636 against 0.5688 at lr 1e-4)",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="10,000 test images, means of 2 and of 3 runs",
        formula=LENET,
        checks=(numeric(check_z_scores), monte_carlo(check_exact_tail)),
        equation=r"\frac{|\hat p_1 - \hat p_2|}{\sqrt{2\bar p(1-\bar p)/n}} > 1.96",
    ),
    Claim(
        id="radam.table1",
        source="R Table 1",
        statement="RAdam beats Adam beyond binomial noise: CIFAR-10 91.38 against 90.54, ImageNet 67.62 "
        "against 66.54",
        kind=ClaimKind.EMPIRICAL,
        domain_stated="10,000 and 50,000 test images",
        formula=TABLE1,
        checks=(numeric(check_z_scores), monte_carlo(check_exact_tail)),
        mutants={
            "the reverse": BeyondNoise(
                tuple(replace(c, better=c.worse, worse=c.better) for c in TABLE1.comparisons)
            ),
            "1,000 images": BeyondNoise(tuple(replace(c, images=1000) for c in TABLE1.comparisons)),
            "four standard errors": replace(TABLE1, critical=4.0),
        },
        equation=r"\frac{\hat p_1 - \hat p_2}{\sqrt{2\bar p(1-\bar p)/n}} > 1.96",
    ),
    Claim(
        id="radam.table2",
        source="R Table 2",
        statement="IWSLT'14 De-En BLEU 34.76 +- 0.003 against 34.66 +- 0.014 are mean and standard "
        "deviation of 5 runs (scores of two decimals)",
        kind=ClaimKind.EXACT,
        domain_stated="five scores with two decimals",
        formula=TABLE2,
        checks=(numeric(check_spread),),
        equation=r"\sqrt{\tfrac{1}{4}\sum_{i=1}^{5}(x_i-\bar x)^2} = 0.003",
    ),
)
