"""The notebooks: committed executed, small and clean; each runs again, to the text that it shows."""

import ast
import re

import nbformat
import pytest
from checkout import ROOT, reads_the_checkout
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = reads_the_checkout
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [
    "01_derivations",
    "02_exact_law",
    "03_monte_carlo",
    "04_radam_and_warmup",
    "05_audit_your_own_model",
]
LARGEST = 300_000  # bytes: a few pictures, so that a checkout stays small
LONGEST_CELL = 25  # lines
# A cell of these notebooks takes seconds; a machine that runs other tests beside it may be slow.
TIMEOUT = 180


def code(notebook):
    """Source of the code cells, without IPython's magics."""
    cells = [c.source for c in notebook.cells if c.cell_type == "code"]
    return [re.sub(r"^%.*$", "", source, flags=re.MULTILINE) for source in cells]


def flaws(notebook):
    """What keeps a committed notebook from being one: no output, an error, a definition, no verdict."""
    found = []
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    outputs = [o for c in cells for o in c.outputs]
    if not outputs:
        found.append("no output is committed")
    if [c.execution_count for c in cells] != list(range(1, len(cells) + 1)):
        found.append("not executed from top to bottom")
    found += [f"error {o.ename}" for o in outputs if o.output_type == "error"]
    found += ["stderr" for o in outputs if o.get("name") == "stderr"]
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    trees = [ast.parse(source) for source in code(notebook)]
    if any(isinstance(node, defined) for tree in trees for node in ast.walk(tree)):
        found.append("a definition that belongs in the package")
    if not trees or not all(isinstance(node, ast.Assert) for node in trees[-1].body):
        found.append("does not end in an assertion")
    elif "verdict" not in ast.unparse(trees[-1]):
        found.append("asserts no verdict")
    if any(len(source.splitlines()) > LONGEST_CELL for source in code(notebook)):
        found.append("a long cell")
    return found


def run(notebook):
    """Execute a copy without its outputs; a cell that raises raises here."""
    fresh = nbformat.from_dict(notebook)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(ROOT / "notebooks")}}
    client = NotebookClient(fresh, timeout=TIMEOUT, kernel_name="python3", resources=resources)
    return client.execute()


def comparable(text):
    """Text of an output without what belongs to a machine: versions, its name, the last digits."""
    text = re.sub(r"\b\d+\.\d+\.\d+(\+\w+)?", "VERSION", text)
    text = re.sub(r"\b(x86_64|aarch64|arm64|AMD64)\b", "MACHINE", text)
    # Errors at the level of rounding, and float64 numbers printed in full (six digits are kept).
    text = re.sub(r"\b\d(\.\d+)?e-(1\d|09)\b", "ROUNDING", text)
    return re.sub(r"\b\d+\.\d{7,}\b", lambda number: f"{float(number[0]):.6g}", text)


def shown(cell):
    """What a cell shows, in order: each output's kind and its texts; a stream in one piece."""
    parts = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            before = parts.pop()[1] if parts and parts[-1][0] == output.name else ""
            parts.append((output.name, before + output.text))
        else:
            data = {k: v for k, v in output.data.items() if k.startswith("text/")}
            pictures = sorted(set(output.data) - set(data))
            parts.append((output.output_type, [*sorted(data.items()), *pictures]))
    return [comparable(str(part)) for part in parts]


def printed(text):
    """The output of a cell that ends in an expression."""
    return nbformat.v4.new_output("execute_result", {"text/plain": text}, execution_count=1)


def test_all_notebooks_are_there():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_committed_notebook_is_executed_and_clean(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert flaws(notebook) == []
    assert len(text.encode()) < LARGEST
    assert not re.search(r'[" ](/home|/root|/tmp|/work|/Users|C:\\\\)', text)  # paths of a machine
    assert not any(cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_again(path):
    committed = nbformat.read(path, as_version=4)
    again = run(committed)
    assert flaws(again) == []
    for new, old in zip(again.cells, committed.cells, strict=True):
        assert shown(new) == shown(old)


def test_a_stale_output_is_told_from_another_machine():
    output, cell = nbformat.v4.new_output, nbformat.v4.new_code_cell
    committed = cell(
        outputs=[output("stream", text="torch 2.13.0+cpu\n"), printed("0.0755464674773")]
    )
    again = cell(outputs=[output("stream", text="torch 2.14.1\n"), printed("0.0755464674779")])
    assert shown(again) == shown(committed)
    in_two = [output("stream", text="torch "), output("stream", text="2.13.0+cpu\n")]
    assert shown(cell(outputs=[*in_two, committed.outputs[1]])) == shown(committed)
    for text in ("0.0755474", "0.0755", "0.0755464674773 holds"):
        assert shown(cell(outputs=[committed.outputs[0], printed(text)])) != shown(committed)
    assert shown(cell(outputs=committed.outputs[:1])) != shown(committed)
    assert comparable("1.6e-16 and 4.4e-15") == comparable("2.2e-16 and 1.1e-16")
    assert comparable("1.6e-6") != comparable("2.2e-6")


def test_flaws_and_failures_are_caught():
    cell = nbformat.v4.new_code_cell
    wrong = nbformat.v4.new_notebook(cells=[cell("def r_t(t):\n    return t"), cell("1 / 0")])
    assert set(flaws(wrong)) == {
        "no output is committed",
        "not executed from top to bottom",
        "a definition that belongs in the package",
        "does not end in an assertion",
    }
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run(wrong)
