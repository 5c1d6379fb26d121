"""The layers import only what stands to their left, and each only the packages it is allowed."""

import ast
import sys
from pathlib import Path

import pytest

import paper_figures
import varlab
from varlab.core import palette

# Where they were imported from: the checkout, or an installed wheel.
PACKAGE = Path(varlab.__file__).parent
FIGURES = Path(paper_figures.__file__).parent
TESTS = Path(__file__).parent

# What each layer may import of varlab, and which third-party packages. Matplotlib may be imported
# anywhere in varlab, but only inside a function: a result plots itself, importing it when asked.
LAYERS = {
    "core": ((), {"numpy"}),
    "theory": (("core",), {"sympy", "mpmath"}),
    "numerics": (("core",), {"numpy", "scipy", "mpmath"}),
    "simulate": (
        ("core", "numerics"),
        {"numpy", "scipy", "torch", "xarray", "zarr", "pandas", "triton", "numba"},
    ),
    "optim": (("core", "numerics"), {"numpy", "scipy", "torch", "mpmath", "optax", "jax"}),
    "tasks": (
        ("core", "optim"),
        {"numpy", "scipy", "torch", "xarray", "sklearn", "babel"},
    ),
    "audit": (
        ("core", "numerics", "simulate", "optim", "tasks"),
        {"numpy", "scipy", "torch", "xarray", "zarr", "pandas", "statsmodels"},
    ),
    "claims": (
        ("core", "theory", "numerics", "simulate", "optim", "tasks", "audit"),
        {"numpy", "scipy", "sympy", "mpmath", "torch", "statsmodels", "xarray", "pandas"},
    ),
    "report": (
        ("core", "theory", "numerics", "simulate", "optim", "tasks", "audit", "claims"),
        {"numpy", "rich", "sympy", "pandas", "xarray", "latex2mathml"},
    ),
    "paper_figures": (
        ("core", "numerics", "simulate", "optim", "tasks", "audit", "claims"),
        {"numpy", "scipy", "torch", "xarray", "cycler", "paper_figures"},
    ),
    "cli": (
        ("core", "numerics", "simulate", "optim", "tasks", "audit", "claims", "report"),
        {"typer", "rich", "paper_figures"},
    ),
}
LAZY_ANYWHERE = {"matplotlib"}


def layer_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Dotted names imported by a file, each with whether it stands at module level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    in_function = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in in_function) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"varlab.{a.name}" for a in node.names] if node.module == "varlab" else []
            found += [(n, id(node) not in in_function) for n in names or [node.module]]
    return found


def violations(path: Path, layer: str) -> list[str]:
    allowed_layers, allowed_packages = LAYERS[layer]
    bad = []
    for name, at_module_level in imports(path):
        top, _, rest = name.partition(".")
        if top in sys.stdlib_module_names:
            continue
        if top == "varlab":
            target = rest.split(".")[0]
            if target != layer and target not in allowed_layers and target != "__version__":
                bad.append(f"{path.name}: layer {layer} imports {name}")
        elif top in LAZY_ANYWHERE:
            if at_module_level:
                bad.append(f"{path.name}: {name} is imported at module level")
        elif top not in allowed_packages:
            bad.append(f"{path.name}: layer {layer} imports {name}")
    return bad


SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_layer_imports_only_what_it_may(path):
    assert violations(path, layer_of(path)) == []


# `python -m paper_figures` is a door to the command line, as varlab/__main__.py is.
FIGURE_SOURCES = sorted(p for p in FIGURES.glob("*.py") if p.name != "__main__.py")


@pytest.mark.parametrize("path", FIGURE_SOURCES, ids=lambda p: p.name)
def test_figures_stand_above_the_claims(path):
    assert violations(path, "paper_figures") == []


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("theory", "import varlab.numerics"),
        ("theory", "from varlab.numerics import laws"),
        ("numerics", "from varlab import theory"),
        ("numerics", "import sympy"),
        ("core", "import torch"),
        ("simulate", "import varlab.optim"),
        ("optim", "from varlab.simulate import engine"),
        ("claims", "import varlab.cli"),
        ("numerics", "import matplotlib.pyplot"),
    ],
)
def test_a_forbidden_import_is_caught(tmp_path, layer, line):
    path = tmp_path / "wrong.py"
    path.write_text(f"{line}\n", encoding="utf-8")
    assert violations(path, layer)


def test_every_file_stays_below_four_hundred_lines():
    files = (p for folder in (PACKAGE, FIGURES, TESTS) for p in folder.rglob("*.py"))
    assert [str(p) for p in files if len(p.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_symbols_are_declared_in_one_place():
    offenders = [
        str(p)
        for folder in (PACKAGE, FIGURES)
        for p in folder.rglob("*.py")
        if p.name != "symbols.py" and "theory" in p.parts
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"sp.Symbol", "sp.symbols", "sympy.Symbol", "sympy.symbols"}
    ]
    assert offenders == []


def test_the_palette_is_written_in_one_place():
    colours = [value.lower() for name, value in vars(palette).items() if name.isupper()]
    offenders = [
        f"{path}: {colour}"
        for folder in (PACKAGE, FIGURES)
        for path in folder.rglob("*.py")
        if path != Path(palette.__file__)
        for colour in colours
        if colour in path.read_text(encoding="utf-8").lower()
    ]
    assert colours
    assert offenders == []


def test_test_files_have_names_of_their_own():
    # pytest imports them by their base name.
    names = [path.name for path in TESTS.rglob("test_*.py")]
    assert sorted({n for n in names if names.count(n) > 1}) == []
