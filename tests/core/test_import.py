"""What ``import varlab`` costs and offers."""

import subprocess
import sys

import varlab


def test_importing_varlab_loads_nothing_heavy():
    code = (
        "import sys, varlab; "
        "print([m for m in ('torch', 'sympy', 'scipy', 'matplotlib', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_loads():
    for name in varlab.__all__:
        assert getattr(varlab, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(varlab, "no_such_name")
