"""Every derivation is in the catalogue, checks in all its steps, and can be exported."""

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import sympy as sp

from varlab import theory
from varlab.theory.catalogue import derivation, names, place
from varlab.theory.checking import Outcome
from varlab.theory.printing import to_latex


def built_in_source():
    """``module.function`` of every public function that is annotated to return a Derivation."""
    found = set()
    for path in Path(theory.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.args.args or node.returns is None:
                continue
            if ast.unparse(node.returns) == "Derivation":
                found.add(f"{path.stem}.{node.name}")
    return found


def test_the_catalogue_holds_every_derivation_once():
    assert set(names()) == built_in_source()
    assert len(set(names())) == len(names())


@pytest.mark.parametrize("name", names())
def test_a_derivation_can_be_exported(name):
    each = derivation(name)
    assert each.steps
    assert place(name)
    for text in each.to_mathml():
        assert ElementTree.fromstring(text).tag.endswith("math")
    latex = each.to_latex()
    assert latex.count(r"\[") == latex.count(r"\]") == len(each.steps)
    for step in each.steps:
        assert step.title
        assert step.why


# The names of functions in print; everything else that a printer spells out is a name it does not know.
SPELLED = {"lim", "log", "ln", "sin", "cos", "tan", "tanh", "sign", "erf", "erfi", "Ei", "var"}
SPELLED |= {"digamma", "trigamma"}


@pytest.mark.parametrize("name", names())
def test_no_symbol_is_printed_by_its_name_in_the_code(name):
    each = derivation(name)
    for step, markup in zip(each.steps, each.to_mathml(), strict=True):
        latex = re.sub(r"\\(operatorname|text)\{\w+\}", "", to_latex(step.statement))
        symbols = {s.name.split("_")[0] for s in step.statement.free_symbols}
        for word in {s for s in symbols if len(s) > 1} | {"infinity", "gamma"}:
            assert not re.search(rf"(?<![\\A-Za-z]){word}", latex), step.title
        texts = (e.text or "" for e in ElementTree.fromstring(markup).iter())
        spelled = {text for text in texts if len(text) > 1 and text.isascii() and text.isalpha()}
        assert spelled <= SPELLED, step.title


@pytest.mark.parametrize("name", names())
def test_no_step_is_printed_as_a_tautology(name):
    for step in derivation(name).steps:
        assert step.statement not in (sp.true, sp.false), step.title
        if isinstance(step.statement, sp.Eq):
            assert to_latex(step.statement.lhs) != to_latex(step.statement.rhs), step.title


@pytest.mark.parametrize("name", [n for n in names() if n != "theorem1_paper.paper_proof"])
def test_every_step_checks(name):
    each = derivation(name)
    for step, checked in zip(each.steps, each.check(), strict=True):
        assert checked, f"{step.title}: {checked.how}"


def test_the_papers_own_proof_breaks_where_equation_10_stands():
    each = derivation("theorem1_paper.paper_proof")
    refuted = [
        step.source
        for step, checked in zip(each.steps, each.check(), strict=True)
        if checked.outcome is Outcome.REFUTED
    ]
    assert refuted
    assert all("Eq. 10" in source for source in refuted)
