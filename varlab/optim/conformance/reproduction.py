"""A scenario as a script that a user can paste into an issue."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping

import torch

from varlab.optim.conformance.hyper import Candidate
from varlab.optim.conformance.scenario import FloatArray, Scenario, Track


def script(
    candidate: Candidate,
    scenario: Scenario,
    expected: Mapping[int, FloatArray | tuple[FloatArray, ...]],
    sentence: str,
    *,
    tolerance: float = 1e-4,
) -> str:
    """Source text that runs ``scenario`` and compares the moves of its last step.

    Parameters
    ----------
    candidate : Candidate
    scenario : Scenario
    expected : mapping of int to ndarray, shape (coordinates,), or a tuple of them
        Parameter -> what it should move by in the last step; any of several.
    sentence : str
        The finding; becomes the docstring.
    tolerance : float
        Relative; a factor that is only slightly wrong needs a tighter one than the default, which
        is coarse enough for float32 and far finer than any wrong formula.

    Returns
    -------
    str
        Needs torch and the target alone; exits with status 1 when the finding shows.
    """
    parts = [
        _docstring(candidate, sentence),
        "import copy\n" if scenario.reload_before else "",
        "import torch\n\n",
        candidate.imports + "\n\n",
        _gradients(scenario),
        _expected({i: m if isinstance(m, tuple) else (m,) for i, m in expected.items()}),
        _construction(candidate, scenario),
        _loop(candidate, scenario),
        _comparison(scenario, tolerance),
    ]
    return "".join(parts)


def _docstring(candidate: Candidate, sentence: str) -> str:
    text = f"{candidate.name}: {sentence}".replace("\\", "/")
    lines = textwrap.wrap(text, 96, break_long_words=False, break_on_hyphens=False)
    body = "\n".join(lines).replace('"""', "'''")
    version = torch.__version__.partition("+")[0]
    return f'"""{body}\n\nExit status 1: the finding shows. Seen with torch {version}.\n"""\n\n'


def _gradients(scenario: Scenario) -> str:
    rows = "".join(f"    {_compressed(t.gradients)},\n" for t in scenario.tracks)
    return f"# per parameter and step, one number per coordinate\ngradients = [\n{rows}]\n"


def _compressed(gradients: tuple[tuple[float, ...] | None, ...]) -> str:
    """A list expression in which runs of equal entries are written once."""
    pieces: list[str] = []
    for entry, run in itertools.groupby(gradients):
        length = len(list(run))
        shown = "None" if entry is None else repr(list(entry))
        pieces.append(f"[{shown}]" + (f" * {length}" if length > 1 else ""))
    return " + ".join(pieces)


def _expected(expected: Mapping[int, tuple[FloatArray, ...]]) -> str:
    entries = ", ".join(
        f"{i}: [{', '.join(repr([float(x) for x in move]) for move in moves)}]"
        for i, moves in expected.items()
    )
    return f"# parameter -> right moves in the last step\nexpected = {{{entries}}}\n\n"


def _construction(candidate: Candidate, scenario: Scenario) -> str:
    lines = [
        "parameters = [",
        f"    torch.zeros(n, dtype=torch.{scenario.dtype}, requires_grad=True)",
        f"    for n in {[t.coordinates for t in scenario.tracks]}",
        "]",
        f"optimizer = {_call(candidate, scenario)}",
        *_later(candidate, scenario),
    ]
    return "\n".join(lines) + "\n"


def _call(candidate: Candidate, scenario: Scenario) -> str:
    keywords, _ = candidate.arguments(scenario.hyper)
    here = [(i, t) for i, t in enumerate(scenario.tracks) if t.joins == 1]
    shared = [f"parameters[{i}]" for i, t in here if not t.overrides]
    own = [(i, t) for i, t in here if t.overrides]
    if own:
        groups = [f'{{"params": [{", ".join(shared)}]}}'] if shared else []
        groups += [_group(candidate, i, t, scenario) for i, t in own]
        params = f"[{', '.join(groups)}]"
    else:
        params = f"[{', '.join(shared)}]"
    given = "".join(f", {key}={value!r}" for key, value in keywords.items())
    return f"factory({params}{given})"


def _group(candidate: Candidate, index: int, track: Track, scenario: Scenario) -> str:
    keys = candidate.arguments(scenario.hyper)[1] | candidate.overrides(track.overrides)
    given = "".join(f', "{key}": {value!r}' for key, value in keys.items())
    return f'{{"params": [parameters[{index}]]{given}}}'


def _later(candidate: Candidate, scenario: Scenario) -> list[str]:
    _, later = candidate.arguments(scenario.hyper)
    lines = [f"optimizer.param_groups[0].update({later!r})"] if later else []
    return lines + (["compiled_step = torch.compile(optimizer.step)"] if candidate.compiled else [])


def _loop(candidate: Candidate, scenario: Scenario) -> str:
    body: list[str] = []
    for index, track in enumerate(scenario.tracks):
        if track.joins > 1:
            body += [
                f"if step == {track.joins}:",
                f"    optimizer.add_param_group({_group(candidate, index, track, scenario)})",
            ]
    if scenario.reload_before:
        body += [
            f"if step == {scenario.reload_before}:",
            "    state = copy.deepcopy(optimizer.state_dict())",
            f"    optimizer = {_call(candidate, scenario)}",
            "    optimizer.load_state_dict(state)",
        ]
    if scenario.lr_change is not None:
        step, lr = scenario.lr_change
        body += [
            f"if step == {step}:",
            "    for group in optimizer.param_groups:",
            f"        group.update({candidate.overrides({'lr': lr})!r})",
        ]
    body += [
        "for parameter, own in zip(parameters, gradients):",
        "    parameter.data.zero_()  # so that the value after the step is the move",
        "    gradient = own[step - 1]",
        "    parameter.grad = (",
        f"        None if gradient is None else torch.tensor(gradient, dtype=torch.{scenario.dtype})",
        "    )",
    ]
    for index, track in enumerate(scenario.tracks):
        for step, value in track.starts.items():
            body += [f"if step == {step}:", f"    parameters[{index}].data.fill_({value!r})"]
    body += ["before = [p.detach().clone() for p in parameters]"]
    body += ["compiled_step()" if candidate.compiled else "optimizer.step()"]
    indented = textwrap.indent("\n".join(body), "    ")
    return f"for step in range(1, {scenario.steps} + 1):\n{indented}\n\n"


def _comparison(scenario: Scenario, tolerance: float) -> str:
    return (
        "wrong = False\n"
        "for index, moves in expected.items():\n"
        "    got = parameters[index].detach() - before[index]\n"
        "    print(f\"parameter {index} moved by {got.tolist()}, expected {' or '.join(map(str, moves))}\")\n"
        f"    rows = [torch.tensor(move, dtype=torch.{scenario.dtype}) for move in moves]\n"
        f"    wrong |= not any(torch.allclose(got, row, rtol={tolerance!r}, atol=1e-30) for row in rows)\n"
        "raise SystemExit(int(wrong))\n"
    )
