"""The sharp bound of Adam's step: A section 2.1.

With eps = 0 the step divided by the learning rate is u_t = mhat_t / sqrt(vhat_t), mhat_t = sum a_i g_i,
vhat_t = sum w_i g_i^2, both with weights that sum to 1. Cauchy-Schwarz gives the supremum over all
gradient sequences, K_t = sqrt(sum a_i^2 / w_i), and the sequence g_i = a_i / w_i that attains it.
"""

from __future__ import annotations

import sympy as sp

from varlab.theory.checking import Checked, Outcome, all_of, check_equal, check_relation
from varlab.theory.checking import check_limit as sympy_limit
from varlab.theory.derivation import Derivation, Step, equality
from varlab.theory.domain import Domain, Interval, above, between
from varlab.theory.moving_average import ema_weight
from varlab.theory.symbols import b1, b2, c, i, m, t, v, x, y

# Sums over the steps are evaluated term by term at each sampled t.
STEPS = Interval(sp.S.One, sp.oo, closed_lower=True, integer=True, sample_upper=12)
DOMAIN = Domain({t: STEPS, b1: between(0, 1), b2: between(0, 1)})
# Mean and root mean square of rescaled gradients are homogeneous of degree 1 and 2 for c > 0 only.
SCALES = Domain({m: between(-3, 3), v: above(0), c: above(0)})
LENGTHS = (2, 3, 4)


def momentum_weight(i: sp.Expr = i, t: sp.Expr = t, b1: sp.Expr = b1) -> sp.Expr:
    """Weight a_i of g_i in mhat_t: (1-b1) b1^(t-i) / (1-b1^t); A Alg. 1."""
    return ema_weight(i, t, b1)


def bound_sum(t: sp.Expr = t, b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """K_t^2 as the sum of a_i^2 / w_i over the steps."""
    return sp.Sum(momentum_weight(i, t, b1) ** 2 / ema_weight(i, t, b2), (i, 1, t))


def head(t: sp.Expr = t, b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """a_t^2 / w_t = (1-b1)^2 (1-b2^t) / ((1-b2) (1-b1^t)^2): the newest gradient's share of K_t^2."""
    return (1 - b1) ** 2 * (1 - b2**t) / ((1 - b2) * (1 - b1**t) ** 2)


def bound_squared(t: sp.Expr = t, b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """K_t^2 in closed form for q = b1^2/b2 != 1: head (1-q^t)/(1-q)."""
    q = b1**2 / b2
    return head(t, b1, b2) * (1 - q**t) / (1 - q)


def bound_squared_at_equality(t: sp.Expr = t, b1: sp.Expr = b1) -> sp.Expr:
    """K_t^2 for b2 = b1^2: all terms of the sum are equal, head t."""
    return head(t, b1, b1**2) * t


def bound(t: sp.Expr = t, b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """K_t, the sharp bound of abs(step) / lr at step t, for 0 <= b1 < 1, 0 < b2 < 1, eps = 0."""
    generic = sp.sqrt(bound_squared(t, b1, b2))
    equal = sp.sqrt(bound_squared_at_equality(t, b1))
    return sp.Piecewise((equal, sp.Eq(b1**2, b2)), (generic, True))


def bound_limit(b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """Limit of K_t: (1-b1)/sqrt((1-b2)(1-b1^2/b2)) for b1^2 < b2, infinite otherwise."""
    finite = (1 - b1) / sp.sqrt((1 - b2) * (1 - b1**2 / b2))
    return sp.Piecewise((finite, b1**2 < b2), (sp.oo, True))


def sparse_bound(b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """The bound of A section 2.1 for (1-b1) > sqrt(1-b2): (1-b1)/sqrt(1-b2)."""
    return (1 - b1) / sp.sqrt(1 - b2)


def worst_gradient(i: sp.Expr = i, t: sp.Expr = t, b1: sp.Expr = b1, b2: sp.Expr = b2) -> sp.Expr:
    """g_i = (b1/b2)^(t-i), proportional to a_i / w_i: the sequence that attains K_t."""
    return (b1 / b2) ** (t - i)


def squared_step(gradient: sp.Expr) -> sp.Expr:
    """u_t^2 for gradients given as an expression in i."""
    mean = sp.Sum(momentum_weight() * gradient, (i, 1, t))
    return mean**2 / sp.Sum(ema_weight() * gradient**2, (i, 1, t))


def update(m: sp.Expr = m, v: sp.Expr = v) -> sp.Expr:
    """Adam's step over the learning rate, mhat / sqrt(vhat), eps = 0; A Alg. 1."""
    return m / sp.sqrt(v)


def by_powers(expression: sp.Expr) -> sp.Expr:
    """Prover: geometric sums closed, then b1^t and b2^t as variables of a rational function."""
    powers = {b1: sp.Dummy("b1^t"), b2: sp.Dummy("b2^t")}
    closed = expression.replace(lambda e: isinstance(e, sp.Sum), geometric_sum)
    rational = sp.expand_power_exp(sp.expand_power_base(closed)).replace(
        lambda e: e.is_Pow and e.base in powers and e.exp.has(t),
        lambda e: powers[e.base] ** (e.exp / t),
    )
    return sp.cancel(sp.together(rational))


def geometric_sum(total: sp.Sum) -> sp.Expr:
    """Sum over i = 1..t of a single power of i: first term times (1 - ratio^t)/(1 - ratio).

    Written out because SymPy's own summation first tries methods that take seconds here. A summand
    of any other kind is left as it stands.
    """
    term = sp.expand_power_base(total.function)
    ratio = sp.powsimp(sp.expand_power_exp(term.subs(i, i + 1) / term))
    if ratio.has(i) or total.limits != (sp.Tuple(i, 1, t),):
        return total
    if ratio == 1:
        return t * term
    return term.subs(i, 1) * (1 - ratio**t) / (1 - ratio)


def by_the_newest(difference: sp.Expr) -> sp.Expr:
    """Prover: sums over gradients of which only the newest differs from zero are their last term."""
    newest = difference.replace(
        lambda e: isinstance(e, sp.Sum), lambda e: e.function.subs(i, e.limits[0][2])
    )
    return sp.cancel(sp.together(newest))


def check_lagrange() -> Checked:
    """Lagrange's identity for sums of 2, 3 and 4 terms with free weights and gradients.

    Every term of either side involves at most two indices, so the identity for a pair carries over
    to any number of terms; 3 and 4 are expanded as well.
    """
    for n in LENGTHS:
        a, w = (sp.IndexedBase(name, positive=True) for name in ("a", "w"))
        g = sp.IndexedBase("g", real=True)
        gap = sum(a[j] ** 2 / w[j] for j in range(n)) * sum(w[j] * g[j] ** 2 for j in range(n))
        gap -= sum(a[j] * g[j] for j in range(n)) ** 2
        squares = sum(
            w[j] * w[k] * (a[j] * g[k] / w[j] - a[k] * g[j] / w[k]) ** 2
            for k in range(n)
            for j in range(k)
        )
        if sp.expand(gap - squares) != 0:
            return Checked(Outcome.UNKNOWN, f"the expansion for {n} terms does not vanish")
    return Checked(Outcome.PROVED, f"expanded for {LENGTHS} terms with free weights", None, 0.0)


def check_excess() -> Checked:
    """(a-w)^2/w = a^2/w - 2a + w term by term, and both weights sum to 1."""
    a, w = momentum_weight(), ema_weight()
    for weight in (a, w):
        total = check_equal(sp.Sum(weight, (i, 1, t)), sp.S.One, DOMAIN, prover=by_powers)
        if not total:
            return total
    order = DOMAIN.restrict(t, Interval(sp.Integer(12), sp.oo, True, False, True, 24))
    terms = Domain({**order.intervals, i: Interval(sp.S.One, sp.Integer(12), True, True, True)})
    return check_equal((a - w) ** 2 / w, a**2 / w - 2 * a + w, terms)


def check_limit(limit: sp.Expr | None = None) -> Checked:
    """Limit of K_t^2 where b1^2 < b2; ``limit`` replaces the stated one.

    b2 = e^-y and b1^2 = e^-(x+y) with x, y > 0 are all pairs with b1^2 < b2: q = e^-x.
    """
    stated = bound_limit().args[0][0] ** 2 if limit is None else limit
    below = {b1: sp.exp(-(x + y) / 2), b2: sp.exp(-y)}
    squared = sp.powsimp(bound_squared().subs(below, simultaneous=True))
    found = sp.limit(squared, t, sp.oo)
    domain = Domain({x: between(0, 3), y: between(0, 3)})
    return all_of(
        check_equal(found, stated.subs(below, simultaneous=True), domain),
        how="SymPy's limit along b2 = e^-y, b1^2 = e^-(x+y), x, y > 0: all pairs with b1^2 < b2",
    )


def check_divergence() -> Checked:
    """K_t^2 grows without bound where b1^2 >= b2: q = e^x > 1 (b2 = e^-(x+y), b1^2 = e^-y), and q = 1."""
    pair = {b1: sp.exp(-y / 2), b2: sp.exp(-(x + y))}
    scale = (1 - b1) ** 2 / (1 - b2)
    found = sp.limit(head().subs(pair, simultaneous=True), t, sp.oo)
    exponents = Domain({x: between(0, 3), y: between(0, 3)})
    return all_of(
        check_equal(found, scale.subs(pair, simultaneous=True), exponents),
        check_relation(sp.Gt(scale, 0, evaluate=False), DOMAIN),
        sympy_limit(sp.exp(x * t) - 1, t, sp.oo, sp.oo),
        sympy_limit(t, t, sp.oo, sp.oo),
        how="the head tends to (1-b1)^2/(1-b2) > 0; q^t - 1 at q = e^x and the number t of equal "
        "terms grow without bound",
    )


def check_above_sparse() -> Checked:
    """The limit exceeds the sparse bound where b1^2 < b2: b2 = b1^2 + (1-b1^2) x with x in (0, 1)."""
    decay = b1**2 + (1 - b1**2) * x
    domain = Domain({b1: between(0, 1), x: between(0, 1)})
    limit = bound_limit().args[0][0] ** 2
    excess = (limit - sparse_bound() ** 2).subs(b2, decay)
    return all_of(
        check_equal(excess, excess_over_sparse().subs(b2, decay), domain),
        check_relation(sp.Gt(excess, 0, evaluate=False), domain),
        how="on b2 = b1^2 + (1-b1^2) x, 0 < x < 1: equal, and positive by its coefficients",
    )


def excess_over_sparse() -> sp.Expr:
    """Limit of K_t^2 minus the sparse bound squared, for b1^2 < b2."""
    return sparse_bound() ** 2 * (b1**2 / b2) / (1 - b1**2 / b2)


def step_bound() -> Derivation:
    """The sharp constant of A section 2.1, where it is attained, and its limits."""
    a, w = momentum_weight(), ema_weight()
    excess = sp.Sum((a - w) ** 2 / w, (i, 1, t))
    u2 = squared_step(worst_gradient())
    limit = (1 - b1) ** 2 / ((1 - b2) * (1 - b1**2 / b2))
    terms = sp.IndexedBase("g")
    return Derivation(
        "step_bound",
        "The sharp bound of Adam's step",
        "A section 2.1",
        (
            Step(
                "Weights of the first moment",
                sp.Eq(sp.Sum(a, (i, 1, t)), 1),
                "The bias correction makes them sum to 1.",
                lambda: check_equal(sp.Sum(a, (i, 1, t)), sp.S.One, DOMAIN, prover=by_powers),
                "A Alg. 1",
            ),
            Step(
                "Cauchy-Schwarz",
                sp.Le(
                    sp.Sum(a * terms[i], (i, 1, t)) ** 2,
                    sp.Sum(a**2 / w, (i, 1, t)) * sp.Sum(w * terms[i] ** 2, (i, 1, t)),
                ),
                "Right minus left is the sum over pairs of w_i w_j (a_i g_j/w_i - a_j g_i/w_j)^2 "
                "(Lagrange's identity): the bound holds for every gradient sequence, with equality "
                "iff g_i is proportional to a_i/w_i.",
                check_lagrange,
            ),
            Step(
                "Closed form",
                sp.Eq(bound_sum(), bound_squared()),
                "A geometric sum with ratio q = b1^2/b2, for q other than 1.",
                lambda: check_equal(bound_sum(), bound_squared(), DOMAIN, prover=by_powers),
            ),
            Step(
                "Equal terms",
                sp.Eq(bound_sum(b2=b1**2), bound_squared_at_equality()),
                "For b2 = b1^2 the t terms are equal, and K_t grows like sqrt(t) without bound.",
                lambda: check_equal(
                    bound_sum(b2=b1**2), bound_squared_at_equality(), DOMAIN, prover=by_powers
                ),
            ),
            Step(
                "Attained",
                sp.Eq(u2, bound_squared()),
                "At g_i = (b1/b2)^(t-i): gradients that grow geometrically when b1 < b2.",
                lambda: check_equal(u2, bound_squared(), DOMAIN, prover=by_powers),
            ),
            Step(
                "Never below the learning rate",
                sp.Eq(bound_sum() - 1, excess),
                "Both weights sum to 1, so K_t^2 - 1 = sum (a_i - w_i)^2 / w_i: K_t >= 1, with "
                "equality iff the weights coincide, that is t = 1 or b1 = b2.",
                check_excess,
                "A section 2.1, second case",
            ),
            Step(
                "Limit",
                sp.Eq(sp.Limit(bound_squared(), t, sp.oo), limit),
                "For b1^2 < b2: q^t, b1^t and b2^t vanish.",
                check_limit,
            ),
            Step(
                "No bound over t",
                sp.Eq(sp.Limit(bound_squared_at_equality(), t, sp.oo), sp.oo, evaluate=False),
                "For b1^2 = b2 as for b1^2 > b2, where K_t^2 grows like q^t, q = b1^2/b2: no "
                "constant bounds every step.",
                check_divergence,
            ),
            equality(
                "A single gradient after zeros",
                squared_step(sp.KroneckerDelta(i, t)),
                sparse_bound() ** 2 * (1 - b2**t) / (1 - b1**t) ** 2,
                DOMAIN,
                "The case that A calls the most severe sparsity gives sqrt(head), which tends to "
                "(1-b1)/sqrt(1-b2).",
                source="A section 2.1, first case",
                prover=by_the_newest,
            ),
            Step(
                "Above the sparse bound",
                sp.Eq(limit - sparse_bound() ** 2, excess_over_sparse()),
                "Positive for every b1 with 0 < b1^2 < b2: a single gradient is not the worst case.",
                check_above_sparse,
                "A section 2.1, first case",
            ),
        ),
    )


def scale_invariance() -> Derivation:
    """A section 2.1: rescaled gradients, the same step."""
    return Derivation(
        "scale_invariance",
        "Rescaled gradients",
        "A section 2.1",
        (
            Step(
                "Homogeneity",
                sp.Eq(sp.Subs(update(), (m, v), (c * m, c**2 * v)), update(), evaluate=False),
                "mhat scales with c, vhat with c^2; sqrt(c^2) = c for c > 0.",
                lambda: check_equal(update(c * m, c**2 * v), update(), SCALES),
                "A section 2.1",
            ),
            Step(
                "Negative factors",
                sp.Eq(sp.Subs(update(), (m, v), (-c * m, c**2 * v)), -update(), evaluate=False),
                "For a negative factor the root does not follow the sign: the step turns round.",
                lambda: check_equal(update(-c * m, c**2 * v), -update(), SCALES),
            ),
            Step(
                "A positive eps",
                sp.Eq(
                    sp.Limit(c * m / (c * sp.sqrt(v) + x), c, 0, "+"),
                    sp.S.Zero,
                ),
                "With eps > 0 beside the root, small gradients give small steps: no invariance.",
                lambda: check_equal(
                    sp.limit(c * m / (c * sp.sqrt(v) + x), c, 0, "+"), sp.S.Zero, SCALES
                ),
            ),
        ),
    )
