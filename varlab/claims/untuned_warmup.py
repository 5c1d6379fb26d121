"""Untuned warm-up.

RAdam as a fixed schedule (warmup_schedules), the size of Adam's updates (update_size) and effective
periods: theory.warmup, numerics and the printed recursion as three witnesses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import sympy as sp

from varlab.claims import from_optimisers
from varlab.claims.monte_carlo_steps import check_second_moment
from varlab.claims.statements import Schedule
from varlab.claims.update_size import (
    MAGNITUDE,
    check_magnitude_exact,
    check_magnitude_sampled,
    check_second_moment_numeric,
    check_second_moment_symbolic,
)
from varlab.claims.warmup_schedules import (
    FACT31,
    check_fact31_numeric,
    check_fact31_symbolic,
    check_fixed,
    check_period_numeric,
    check_period_symbolic,
    kish_factor,
    radam_factor,
)
from varlab.core import (
    Claim,
    ClaimKind,
    monte_carlo,
    numeric,
    symbolic,
)
from varlab.theory import warmup as theory
from varlab.theory.symbols import b1, b2, t

POWER = b1**t

CLAIMS = (
    Claim(
        id="untuned.fixed-schedule",
        source="U §3",
        statement="RAdam is momentum SGD for a few steps, then exactly Adam with a fixed, "
        "gradient-free learning-rate multiplier",
        kind=ClaimKind.EXACT,
        domain_stated="none stated",
        formula=Schedule(radam_factor),
        checks=(numeric(check_fixed), numeric(from_optimisers.check_fixed_schedule)),
        mutants={
            "one step late": Schedule(lambda steps, beta2: radam_factor(steps + 1, beta2)),
            "Kish's degrees of freedom": Schedule(kish_factor),
            "no rectification": Schedule(lambda steps, _: np.ones(len(steps))),
        },
        equation=r"\Delta_t^{\mathrm{RAdam}} = r_t(\beta_2)\,\Delta_t^{\mathrm{Adam}}",
    ),
    Claim(
        id="untuned.fact31",
        source="U Fact 3.1",
        statement="for 0.8 < b2 < 1 the first adaptive step is at most t = 5",
        kind=ClaimKind.INEQUALITY,
        domain_stated="0.8 < beta2 < 1",
        formula=FACT31,
        checks=(symbolic(check_fact31_symbolic), numeric(check_fact31_numeric)),
        mutants={
            "at most 4": replace(FACT31, steps=4),
            "b2 > 0.7": replace(FACT31, lower=sp.Rational(7, 10)),
            "rho_t > 5": replace(FACT31, threshold=5),
        },
        equation=r"0.8 < \beta_2 < 1 \Rightarrow \rho_5 > 4",
    ),
    Claim(
        id="untuned.update-magnitude",
        source="U §4",
        statement="abs(update)/lr is exactly 1 at t = 1 and settles near 0.16 (median) after some "
        "40 steps",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="i.i.d. normal gradients, b1 = 0.9, b2 = 0.999",
        formula=MAGNITUDE,
        checks=(numeric(check_magnitude_exact), monte_carlo(check_magnitude_sampled)),
        mutants={
            "settles at 0.2": replace(MAGNITUDE, settled=0.2),
            "already after 5 steps": replace(MAGNITUDE, after=5),
            "starts at 0.9": replace(MAGNITUDE, first=0.9),
            "0.1721, out of reach only in the limit": replace(MAGNITUDE, settled=0.1721),
        },
        tolerance=0.10,
        tolerance_reason="'near': the first digit must be right",
        equation=r"\mathrm{median}\,|u_1| = 1, \quad \mathrm{median}\,|u_t| \approx 0.16 \; (40 \le t \le \infty)",
    ),
    Claim(
        id="untuned.second-moment",
        source="V",
        statement="E[(mhat/sqrt(vhat))^2] = (1-b1)(1+b1^t)/((1+b1)(1-b1^t)) for symmetric i.i.d. "
        "gradients as b2 -> 1",
        kind=ClaimKind.EXACT,
        domain_stated="symmetric i.i.d. g, b2 -> 1",
        formula=theory.update_second_moment(),
        derivation="warmup.second_moment",
        checks=(
            symbolic(check_second_moment_symbolic),
            numeric(check_second_moment_numeric),
            monte_carlo(check_second_moment),
        ),
        mutants={
            "sign in the numerator": (1 - b1) * (1 - POWER) / ((1 + b1) * (1 - POWER)),
            "index": theory.update_second_moment().subs(t, t + 1),
            "without the factor (1-b1)/(1+b1)": (1 + POWER) / (1 - POWER),
        },
        equation=r"\mathbb{E}\left[\frac{\hat m_t^2}{\hat v_t}\right] = "
        r"\frac{(1-\beta_1)(1+\beta_1^t)}{(1+\beta_1)(1-\beta_1^t)}",
    ),
    Claim(
        id="untuned.effective-period",
        source="U §5",
        statement="the sum over t of (1 - multiplier) is 1/(1-b2) for the untuned linear and "
        "exponential rules, and about the same for r_t",
        kind=ClaimKind.APPROXIMATION,
        domain_stated="0.99 <= beta2 < 1, all three rules (U states none; this is Adam's practice)",
        formula=theory.printed_period(),
        derivation="warmup.effective_period",
        checks=(symbolic(check_period_symbolic), numeric(check_period_numeric)),
        mutants={
            "2/(1-b2)": 2 / (1 - b2),
            "1/(1-b2^2)": 1 / (1 - b2**2),
        },
        tolerance=0.10,
        tolerance_reason="'about the same': the first digit must be right",
        equation=r"\sum_{t \ge 1} (1 - \omega_t) = \frac{1}{1-\beta_2}",
    ),
)
