"""No circle of imports: a file can be read after those that it needs.

What a method imports when it is called (a result its picture, its page, its storage) and what stands
under TYPE_CHECKING for the annotations alone make no module wait for another: of those only the
circles between methods are counted, and the one that there is has its reason.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import paper_figures
import varlab

ROOTS = (Path(varlab.__file__).parent, Path(paper_figures.__file__).parent)
# Recording.save is a method, as the contract has it; what it calls builds recordings when it loads.
BY_METHODS = {("varlab.audit.recorder.recording", "varlab.audit.recorder.storage")}


def modules(*packages):
    """Dotted name -> file."""
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for package in packages
        for path in package.rglob("*.py")
    }


def needs(path, known, *, methods=False):
    """The modules among ``known`` that the file imports as it loads (and when its functions run)."""
    found = set()

    def visit(node):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.If) and ast.unparse(inner.test) == "TYPE_CHECKING":
                continue
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not methods:
                continue
            if isinstance(inner, ast.Import):
                found.update(alias.name for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom):
                parts = (f"{inner.module}.{alias.name}" for alias in inner.names)
                found.update(part if part in known else inner.module for part in parts)
            visit(inner)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found & set(known)


def circle(known, *, methods=False, but=frozenset()):
    """A circle of modules, or None."""
    graph = {
        name: {n for n in needs(path, known, methods=methods) if n != name and (name, n) not in but}
        for name, path in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_no_module_waits_for_itself():
    assert circle(modules(*ROOTS)) is None


def test_no_methods_go_in_circles_but_those_with_a_reason():
    known = modules(*ROOTS)
    assert circle(known, methods=True, but=BY_METHODS) is None
    for name, other in BY_METHODS:
        assert other in needs(known[name], known, methods=True)


@pytest.mark.parametrize(
    ("line", "at_load", "by_methods"),
    [
        ("from wrong import b", True, True),
        ("from wrong.b import thing", True, True),
        ("import wrong.b", True, True),
        ("def later():\n    from wrong.b import thing", False, True),
        ("if TYPE_CHECKING:\n    from wrong.b import thing", False, False),
    ],
)
def test_a_circle_is_found(tmp_path, line, at_load, by_methods):
    package = tmp_path / "wrong"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text(f"{line}\n", encoding="utf-8")
    (package / "b.py").write_text("from wrong import a\n", encoding="utf-8")
    known = modules(package)
    assert (circle(known) is not None) == at_load
    assert (circle(known, methods=True) is not None) == by_methods
