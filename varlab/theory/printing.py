"""LaTeX and MathML in the notation of the field: psi for the digamma function, 2F1 for Gauss's series."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.mathml import MathMLPresentationPrinter

_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_LATEX_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "^": r"\^{}", "~": r"\~{}"}


class _Latex(LatexPrinter):
    """SymPy's printer, with the names of special functions that the paper uses."""

    def _print_polygamma(self, expr: sp.Expr, exp: str | None = None) -> str:
        order, argument = expr.args
        name = r"\psi" if order == 0 else rf"\psi^{{({self._print(order)})}}"
        applied = rf"{name}\left({self._print(argument)}\right)"
        return applied if exp is None else f"{{{applied}}}^{{{exp}}}"


class _MathML(MathMLPresentationPrinter):
    """SymPy's presentation printer; functions that it prints as bare names get their symbols."""

    def _applied(self, head: Any, *arguments: sp.Basic) -> Any:
        row = self.dom.createElement("mrow")
        row.appendChild(head)
        row.appendChild(self._fenced(arguments))
        return row

    def _fenced(self, arguments: tuple[sp.Basic, ...]) -> Any:
        row = self.dom.createElement("mrow")
        row.appendChild(self._token("mo", "("))
        for number, argument in enumerate(arguments):
            if number:
                row.appendChild(self._token("mo", ","))
            row.appendChild(self._print(argument))
        row.appendChild(self._token("mo", ")"))
        return row

    def _token(self, tag: str, text: str) -> Any:
        element = self.dom.createElement(tag)
        element.appendChild(self.dom.createTextNode(text))
        return element

    def _scripts(self, tag: str, *parts: Any) -> Any:
        element = self.dom.createElement(tag)
        for part in parts:
            element.appendChild(part)
        return element

    def _print_polygamma(self, expr: sp.Expr) -> Any:
        order, argument = expr.args
        head = self._token("mi", "ψ")
        if order != 0:
            head = self._scripts("msup", head, self._fenced((order,)))
        return self._applied(head, argument)

    def _print_gamma(self, expr: sp.Expr) -> Any:
        return self._applied(self._token("mi", "Γ"), *expr.args)

    def _print_loggamma(self, expr: sp.Expr) -> Any:
        row = self.dom.createElement("mrow")
        row.appendChild(self._token("mi", "ln"))
        row.appendChild(self._applied(self._token("mi", "Γ"), *expr.args))
        return row

    def _print_beta(self, expr: sp.Expr) -> Any:
        return self._applied(self._token("mi", "B"), *expr.args)

    def _print_RisingFactorial(self, expr: sp.Expr) -> Any:
        base, count = expr.args
        return self._scripts("msub", self._fenced((base,)), self._print(count))

    def _print_hyper(self, expr: sp.Expr) -> Any:
        head = self.dom.createElement("mrow")
        empty = self.dom.createElement("mrow")
        head.appendChild(self._scripts("msub", empty, self._token("mn", str(len(expr.ap)))))
        head.appendChild(
            self._scripts("msub", self._token("mi", "F"), self._token("mn", str(len(expr.bq))))
        )
        return self._applied(head, *expr.ap, *expr.bq, expr.argument)


def to_latex(statement: sp.Basic) -> str:
    """LaTeX of one expression."""
    return str(_Latex().doprint(statement))


def to_mathml(statement: sp.Basic) -> str:
    """Presentation MathML of one expression: a block-level ``<math>`` element that parses as XML."""
    printer = _MathML()
    body = printer._print(sp.sympify(statement)).toxml()
    body = body.replace("<mo><</mo>", "<mo>&lt;</mo>")  # the printer leaves "<" as it is
    body = re.sub(r"&(\w+);", _entity, _names_to_entities(body))
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{body}</math>'


def _names_to_entities(body: str) -> str:
    # The printer writes entities as text, so serialising escapes their ampersand; undo that.
    return re.sub(r"&amp;(#?\w+;)", r"&\1", body)


def _entity(match: re.Match[str]) -> str:
    # XML knows five named entities; every other name of HTML becomes its character.
    name = match.group(1)
    if name in _XML_ENTITIES or f"{name};" not in html5:
        return match.group(0)
    return html.unescape(match.group(0))


def latex_prose(text: str) -> str:
    """Plain text for LaTeX: special characters escaped, except inside ``$...$``."""
    parts = re.split(r"(\$[^$]*\$)", text)
    return "".join(
        part if part.startswith("$") else "".join(_LATEX_SPECIAL.get(c, c) for c in part)
        for part in parts
    )
