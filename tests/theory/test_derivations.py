"""Every derivation of the law and of Theorem 1: steps checked, exported to LaTeX and MathML."""

import xml.etree.ElementTree as ET

import pytest
import sympy as sp

from varlab.theory.checking import Outcome
from varlab.theory.derivation import Derivation, Step, equality, inequality
from varlab.theory.digamma_bounds import bounds
from varlab.theory.domain import Domain, above
from varlab.theory.first_step import first_step
from varlab.theory.inverse_chi import law, moments
from varlab.theory.inverse_chi_limits import limits
from varlab.theory.log_psi import log_law
from varlab.theory.printing import latex_prose, to_latex, to_mathml
from varlab.theory.symbols import b2, m, n, rho, rho_inf, x, y
from varlab.theory.theorem1_gauss import gauss_proof
from varlab.theory.theorem1_paper import paper_proof

DERIVATIONS = {
    d.name: d
    for d in (
        law(),
        moments(),
        log_law(),
        limits(),
        first_step(),
        bounds(),
        gauss_proof(),
        paper_proof(),
    )
}
FALSE_STEPS = {("theorem1-paper", "Eq. 10")}
STEPS = [(d.name, step) for d in DERIVATIONS.values() for step in d.steps]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{n}:{s.title}" for n, s in STEPS])
def test_step_is_proved_or_known_to_be_false(name, step):
    expected = Outcome.REFUTED if (name, step.title) in FALSE_STEPS else Outcome.PROVED
    assert step.check().outcome is expected


@pytest.mark.parametrize("name", DERIVATIONS)
def test_exports(name):
    derivation = DERIVATIONS[name]
    assert all(step.statement not in (sp.true, sp.false) for step in derivation.steps)
    for markup in derivation.to_mathml():
        element = ET.fromstring(markup)
        assert element.tag.endswith("math")
        assert "".join(element.itertext()).strip()
    latex = derivation.to_latex()
    assert latex.count(r"\item") == len(derivation.steps)
    assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")


def test_the_papers_numbers_are_found():
    sources = " ".join(step.source for _, step in STEPS)
    for number in ("Eqs. 2 and 8", "Eq. 6", "Eq. 7", "Eq. 9", "Eq. 10", "Theorem 1", "Lemma 1"):
        assert number in sources


def test_a_derivation_with_a_wrong_step_does_not_hold():
    domain = Domain({x: above(0), y: above(0)})
    right = equality("right", (x + y) ** 2, x**2 + 2 * x * y + y**2, domain, "binomial")
    wrong = equality("wrong", (x + y) ** 2, x**2 + y**2, domain, "a student's dream")
    reversed_ = inequality("reversed", sp.Gt(x, x + y, evaluate=False), domain, "no")
    assert Derivation("a", "a", "test", (right,)).holds()
    assert not Derivation("b", "b", "test", (right, wrong)).holds()
    assert not Derivation("c", "c", "test", (reversed_, right)).holds()


def plain(expression):
    """The text of an expression's MathML, without its structure."""
    return "".join(ET.fromstring(to_mathml(expression)).itertext())


def test_special_functions_are_printed_with_their_symbols():
    # psi is the adaptive rate: digamma goes by its name.
    assert to_latex(sp.digamma(rho)) == r"\operatorname{digamma}\left(\rho\right)"
    assert to_latex(sp.polygamma(1, x) ** 2) == r"\operatorname{trigamma}^{2}\left(x\right)"
    assert to_latex(sp.polygamma(2, x)) == r"\operatorname{polygamma}_{2}\left(x\right)"
    assert to_latex(sp.beta(rho, b2) ** 2) == r"\operatorname{B}^{2}\left(\rho, \beta_{2}\right)"
    assert to_latex(sp.loggamma(rho) ** 2) == r"\left(\ln\Gamma\left(\rho\right)\right)^{2}"
    assert to_latex(sp.RisingFactorial(x, n) ** 2) == r"\left(x\right)_{n}^{2}"
    assert to_latex(rho_inf) == r"\rho_{\infty}"
    assert plain(sp.polygamma(1, x) + sp.gamma(x)) == "Γ(x)+trigamma(x)"
    assert plain(sp.polygamma(2, rho)) == "polygamma2(ρ)"
    assert plain(rho_inf) == "ρ∞"
    assert plain(sp.Function("E")(x)) == "E(x)"
    assert plain(sp.KroneckerDelta(n, m)) in ("δmn", "δnm")
    assert plain(sp.Product(x, (n, 1, m))) == "∏n=1mx"
    assert plain(1 + sp.O(x**-4, (x, sp.oo))) == "1+O(1x4;x→∞)"


@pytest.mark.parametrize(
    "operator",
    [
        lambda e: sp.Derivative(e, x),
        lambda e: sp.Limit(e, x, 0),
        lambda e: sp.Product(e, (n, 1, m)),
        lambda e: sp.Subs(e, x, 1),
    ],
)
@pytest.mark.parametrize(
    ("operand", "fenced"), [(x + y, "(x+y)"), (-x - y, "(-x-y)"), (-x * y, "(-x⁢y)")]
)
def test_what_an_operator_acts_on_stands_in_brackets(operator, operand, fenced):
    assert fenced in plain(operator(operand))
    assert fenced not in plain(operand)


def test_derivatives_and_limits_say_in_what_and_from_where():
    assert plain(sp.Derivative(sp.erf(x), x)) == "ⅆⅆxerf(x)"
    assert plain(sp.Derivative(x * y, (x, 2), y)) == "∂3∂y∂x2x⁢y"
    assert plain(sp.Limit(x, x, 0, "+")) == "limx→0+x"
    assert plain(sp.Limit(x, x, 0, "-")) == "limx→0-x"
    assert plain(sp.Limit(x, x, sp.oo)) == "limx→∞x"
    assert plain(sp.Subs(x * y, (x, y), (1, 2))) == "x⁢y|x=1,y=2"


def test_named_entities_of_html_become_characters():
    markup = to_mathml(sp.Eq(sp.Integral(sp.exp(-x), (x, 0, sp.oo)), 1, evaluate=False))
    assert "&dd;" not in markup
    ET.fromstring(markup)


def test_prose_is_escaped_outside_mathematics():
    assert latex_prose("50% of psi_1") == r"50\% of psi\_1"
    assert latex_prose("$x_1$ & y") == r"$x_1$ \& y"


def test_a_step_carries_its_statement():
    step = Step("t", sp.Eq(x, y, evaluate=False), "w", lambda: None)
    assert step.statement == sp.Eq(x, y, evaluate=False)
