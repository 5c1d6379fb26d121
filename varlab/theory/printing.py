"""LaTeX and MathML in the notation of the field; psi is the adaptive rate, so digamma goes by its name."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Any

import sympy as sp
from sympy.printing.conventions import requires_partial
from sympy.printing.latex import LatexPrinter
from sympy.printing.mathml import MathMLPresentationPrinter
from sympy.printing.precedence import PRECEDENCE, precedence_traditional

_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_LATEX_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "^": r"\^{}", "~": r"\~{}"}


# The first two polygamma functions; the others are numbered.
_POLYGAMMA = {sp.S.Zero: "digamma", sp.S.One: "trigamma"}


class _Latex(LatexPrinter):
    """SymPy's printer, with the names of special functions that the paper uses."""

    def _called(self, name: str, arguments: tuple[sp.Basic, ...], exp: str | None) -> str:
        power = "" if exp is None else f"^{{{exp}}}"
        inside = ", ".join(self._print(argument) for argument in arguments)
        return rf"{name}{power}\left({inside}\right)"

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return str(super()._print_Symbol(expr, style)).replace("_{infinity}", r"_{\infty}")

    def _print_polygamma(self, expr: sp.Expr, exp: str | None = None) -> str:
        order, argument = expr.args
        name = _POLYGAMMA.get(order, "polygamma")
        head = rf"\operatorname{{{name}}}"
        if order not in _POLYGAMMA:
            head += f"_{{{self._print(order)}}}"
        return self._called(head, (argument,), exp)

    def _print_beta(self, expr: sp.Expr, exp: str | None = None) -> str:
        return self._called(r"\operatorname{B}", expr.args, exp)

    def _print_loggamma(self, expr: sp.Expr, exp: str | None = None) -> str:
        applied = self._called(r"\ln\Gamma", expr.args, None)
        return applied if exp is None else rf"\left({applied}\right)^{{{exp}}}"

    def _print_RisingFactorial(self, expr: sp.Expr, exp: str | None = None) -> str:
        base, count = (self._print(argument) for argument in expr.args)
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\left({base}\right)_{{{count}}}{power}"


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

    def _row(self, *parts: Any) -> Any:
        return self._scripts("mrow", *parts)

    def _operand(self, expr: sp.Basic) -> Any:
        # What follows an operator such as d/dx or lim: a sum without brackets would end at its first term.
        loose = precedence_traditional(expr) < PRECEDENCE["Mul"] or _starts_with_minus(expr)
        return self._fenced((expr,)) if loose else self._print(expr)

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> Any:
        printed = super()._print_Symbol(expr, style)
        for text in printed.getElementsByTagName("mi"):
            if text.firstChild.data == "infinity":
                text.firstChild.data = "∞"
        return printed

    def _print_AppliedUndef(self, expr: sp.Expr) -> Any:
        return self._applied(self._token("mi", expr.func.__name__), *expr.args)

    def _print_Derivative(self, expr: sp.Derivative) -> Any:
        sign = "∂" if requires_partial(expr.expr) else "ⅆ"
        order = sum(count for _, count in expr.variable_count)
        below = []
        for symbol, count in reversed(expr.variable_count):
            below += [self._token("mo", sign), self._power(self._print(symbol), count)]
        above = self._row(self._power(self._token("mo", sign), order))
        fraction = self._scripts("mfrac", above, self._row(*below))
        return self._row(fraction, self._operand(expr.expr))

    def _power(self, base: Any, exponent: sp.Expr) -> Any:
        return base if exponent == 1 else self._scripts("msup", base, self._print(exponent))

    def _print_Limit(self, expr: sp.Limit) -> Any:
        function, variable, point, direction = expr.args
        to = self._print(point)
        if str(direction) in ("+", "-") and point.is_finite:
            to = self._scripts("msup", to, self._token("mo", str(direction)))
        under = self._row(self._print(variable), self._token("mo", "→"), to)
        head = self._scripts("munder", self._token("mi", "lim"), under)
        return self._row(head, self._operand(function))

    def _print_Product(self, expr: sp.Product) -> Any:
        (index, lower, upper) = expr.limits[0]
        below = self._row(self._print(index), self._token("mo", "="), self._print(lower))
        head = self._scripts("munderover", self._token("mo", "∏"), below, self._print(upper))
        return self._row(head, self._operand(expr.function))

    def _print_Subs(self, expr: sp.Subs) -> Any:
        at: list[Any] = []
        for variable, point in zip(expr.variables, expr.point, strict=True):
            at += [self._token("mo", ",")] if at else []
            at += [self._print(variable), self._token("mo", "="), self._print(point)]
        bar = self._scripts("msub", self._token("mo", "|"), self._row(*at))
        return self._row(self._operand(expr.expr), bar)

    def _print_Order(self, expr: sp.Order) -> Any:
        parts = [self._token("mi", "O"), self._token("mo", "("), self._print(expr.expr)]
        for variable, point in zip(expr.variables, expr.point, strict=True):
            if point != 0:
                parts += [self._token("mo", ";"), self._print(variable)]
                parts += [self._token("mo", "→"), self._print(point)]
        return self._row(*parts, self._token("mo", ")"))

    def _print_KroneckerDelta(self, expr: sp.Expr) -> Any:
        indices = self._row(*(self._print(index) for index in expr.args))
        return self._scripts("msub", self._token("mi", "δ"), indices)

    def _print_polygamma(self, expr: sp.Expr) -> Any:
        order, argument = expr.args
        head = self._token("mi", _POLYGAMMA.get(order, "polygamma"))
        if order not in _POLYGAMMA:
            head = self._scripts("msub", head, self._print(order))
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


def _starts_with_minus(expr: sp.Basic) -> bool:
    return isinstance(expr, sp.Expr) and expr.could_extract_minus_sign()


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
