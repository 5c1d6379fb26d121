"""Without torch, and mostly without the rest: what must work, and the one line where it cannot."""

import json
import subprocess
import sys

import pytest

from varlab import __version__
from varlab.claims.ledger import committed_verdicts

# All that pyproject.toml requires beyond NumPy, SciPy, SymPy and mpmath, with the optional packages.
REST = {
    "torch",
    "xarray",
    "zarr",
    "pandas",
    "statsmodels",
    "matplotlib",
    "typer",
    "rich",
    "latex2mathml",
}
REST |= {"sklearn", "babel", "triton"}
BLOCK = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
EVERY_MODULE = """
import pkgutil, importlib
for layer in {layers!r}:
    package = importlib.import_module("varlab." + layer)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
"""


def without(names, code, *arguments):
    """Run ``code`` in a process where the packages ``names`` cannot be imported."""
    script = BLOCK.format(names=set(names)) + code
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )


def command_line(names, *arguments):
    code = "from varlab.cli import run\nsys.exit(run(sys.argv[1:]))"
    return without(names, code, *arguments)


def test_a_package_that_is_blocked_cannot_be_had():
    for code in ("import torch", "from torch import nn", "import torch.nn"):
        done = without(["torch"], code)
        assert done.returncode == 1
        assert "No module named 'torch" in done.stderr


def test_numerics_computes_with_numpy_scipy_and_mpmath():
    code = EVERY_MODULE.format(layers=("core", "numerics")) + (
        "from varlab.numerics import AdaptiveRate, psi_variance, rectification\n"
        "from varlab.numerics.advice import advise\n"
        "from varlab.numerics.oracle import psi_variance as fifty_digits\n"
        "assert abs(psi_variance(5.0) / float(fifty_digits(5)) - 1) < 1e-12\n"
        # Equal weights: the law is the scaled inverse chi of the paper, with t degrees of freedom.
        "assert abs(AdaptiveRate(t=5, beta2=1 - 1e-9).var() / psi_variance(5.0) - 1) < 1e-6\n"
        "assert 0.017 < rectification(5, 0.999) < 0.018\n"
        "assert advise(0.999).to_dict()['first_adaptive_step']['4'] == 5\n"
        "print('computed')\n"
    )
    done = without(REST | {"sympy"}, code)
    assert done.stdout == "computed\n", done.stderr


def test_theory_derives_with_sympy():
    code = EVERY_MODULE.format(layers=("core", "theory")) + (
        "from varlab.theory.catalogue import derivation\n"
        "each = derivation('inverse_chi.law')\n"
        "assert each.steps and all(each.check())\n"
        "print('derived')\n"
    )
    done = without(REST | {"scipy"}, code)
    assert done.stdout == "derived\n", done.stderr


# What a command line prints on: everything else is left out.
PRINTS = {"typer", "rich"}


def test_the_version_needs_no_torch():
    done = command_line(REST - PRINTS, "--version")
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n"), done.stderr


def test_advice_and_figures_need_no_torch():
    done = command_line(REST - PRINTS, "advise", "--beta2", "0.999")
    assert done.returncode == 0, done.stderr
    assert "adaptive from t = 5" in done.stdout


def test_an_audit_is_read_without_torch(tmp_path):
    variance = {"measured": 0.2, "ci": [0.1, 0.4], "theory": 0.05, "step": 10}
    layer = {"layer": "a", "log_psi_variance": variance}
    audit = {"schema": 1, "protocol": "ensemble", "task": "mine", "answer": "An answer."}
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(audit | {"beta2": 0.999, "layers": [layer], "model": {}}))
    done = command_line(REST - PRINTS, "advise", "--beta2", "0.999", "--from", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "of 1 layers 1 fewer" in " ".join(done.stdout.split())


IDS = (
    "radam.eq6.mean",
    "radam.appA.eq10",
    "radam.fig8.accuracy",
    "untuned.effective-period",
    "radam.s42.consistent",
)


def test_symbolic_and_numeric_evidence_decides_without_torch(tmp_path):
    wanted = {name: committed_verdicts()[name] for name in IDS}
    keep = PRINTS | {"latex2mathml"}  # the report page is not asked for, but its module is loaded
    done = command_line(REST - keep, "verify", *IDS, "--jobs", "1", "--json", tmp_path / "a")
    assert done.returncode == 0, done.stderr + done.stdout
    ledger = json.loads((tmp_path / "a").read_text(encoding="utf-8"))
    assert {c["id"]: c["verdict"] for c in ledger["claims"]} == wanted
    details = [e["detail"] for c in ledger["claims"] for e in c["evidence"]]
    # The samples are missing, and the evidence says why.
    assert any("No module named 'torch'" in detail for detail in details)
    assert set(wanted.values()) == {"holds", "holds-within", "fails"}


@pytest.mark.slow
def test_the_whole_ledger_is_decided_without_torch():
    done = command_line(["torch"], "verify", "--jobs", "1")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "differs" not in done.stdout
    assert "undecided" not in done.stdout


@pytest.mark.parametrize(
    "arguments",
    ["simulate --steps 4", "conform torch.optim:RAdam", "audit mlp", "audit --list"],
)
def test_a_command_that_needs_torch_says_so_in_one_line(arguments):
    done = command_line(["torch"], *arguments.split())
    assert done.returncode == 2
    command = arguments.split()[0]
    assert done.stderr == (
        f"varlab: varlab {command} needs torch, which is not installed; "
        "install it with pip install torch\n"
    )


def test_a_name_that_needs_torch_says_so():
    done = without(["torch"], "import varlab; varlab.watch")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: varlab.watch needs torch, which is not installed; "
        "install it with pip install torch"
    )


def test_a_missing_module_of_varlab_itself_is_a_fault_and_keeps_its_traceback():
    code = "import varlab\nvarlab._HOMES['watch'] = 'varlab.audit.no_such_module'\nvarlab.watch\n"
    done = without([], code)
    assert done.stderr.splitlines()[-1].endswith("No module named 'varlab.audit.no_such_module'")
