"""``varlab conform``: is this RAdam RAdam?"""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer

from varlab.cli.options import Json, Out, Seed, console, deliver_json, prepare, progress_bar
from varlab.core import InputError
from varlab.core.files import write_atomic

if TYPE_CHECKING:
    from varlab.optim.conformance import Conformance
    from varlab.optim.conformance.target import Factory

SCHEMA = 1


def command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="module:factory or path.py:factory."),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Every installed known implementation as well.")
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="Also each target's torch.compile'd form.")
    ] = False,
    device: Annotated[str, typer.Option(help="Torch device of the parameters.")] = "cpu",
    seed: Seed = 0,
    out: Out = None,
    json: Json = None,
) -> int:
    """Is this RAdam RAdam? Recover its factor from its steps.

    Exit status 1 if one does not conform.
    """
    from varlab.optim.conformance import why_not_compiled
    from varlab.report.conformance import conformance_table

    candidates = _candidates(targets or [], peers)
    if compiled and (reason := why_not_compiled()):
        raise InputError(reason)
    prepare(out, json)
    terminal = console(json_on_stdout=json == "-")
    results = _check(candidates, compiled=compiled, device=device, seed=seed)
    for result in results:
        terminal.print(result.summary(), markup=False)
        for fault in result.faults:
            if fault.reproduction:
                terminal.print("  reproduce with:", style="dim")
                terminal.print(fault.reproduction, markup=False, style="dim")
        terminal.print()
    terminal.print(conformance_table(results))
    if peers:
        _say_missing()
    text = json_module.dumps(
        {"schema": SCHEMA, "targets": [r.to_json_dict() for r in results]},
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    if out is not None:
        write_atomic(out / "conformance.json", text + "\n")
        terminal.print(f"wrote conformance.json in {out}", style="dim")
    deliver_json(text + "\n", json)
    return 0 if all(result.conforms for result in results) else 1


def _candidates(targets: list[str], peers: bool) -> dict[str, Factory]:
    """Factories by name; whatever was named must load, before anything runs."""
    from varlab.optim.conformance import known_peers, load_target

    found = {target: load_target(target) for target in targets}
    if peers:
        found |= {peer.name: peer.load() for peer in known_peers() if peer.name not in found}
    if not found:
        raise InputError("name a target such as torch.optim:RAdam, or use --peers")
    return found


def _check(
    candidates: dict[str, Factory], *, compiled: bool, device: str, seed: int
) -> list[Conformance]:
    from varlab.optim.conformance import conform

    forms = (False, True) if compiled else (False,)
    results: list[Conformance] = []
    with progress_bar("conform") as progress:
        total = len(candidates) * len(forms)
        for name, factory in candidates.items():
            for form in forms:
                progress(len(results), total, name)
                results.append(conform(factory, name=name, seed=seed, compiled=form, device=device))
    return results


def _say_missing() -> None:
    from varlab.optim.conformance import missing_peers

    for peer in missing_peers():
        console(json_on_stdout=True).print(f"not installed: {peer.name}", style="dim")
