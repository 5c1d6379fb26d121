"""Audit the built-in tasks and keep the verdicts: ``python tests/audit/measure_tasks.py``.

Writes audits_measured.json beside this file; the README's tables are written from it.
"""

import json
import statistics
from pathlib import Path

from paper_figures.violation_budget import COORDINATES, REPLICAS, STEPS, TASKS
from varlab import __version__
from varlab.audit.assess import assess
from varlab.audit.protocol import Assumption
from varlab.core.files import write_atomic
from varlab.tasks import build, builtin

SEED = 0
# What a parameter belongs to, in the words of the field; other modules keep their class's name.
KINDS = {
    "MultiheadAttention": "attention, queries to values",
    "NonDynamicallyQuantizableLinear": "attention, output",
    "Conv2d": "convolution",
    "BatchNorm2d": "BatchNorm",
    "TransformerLanguageModel": "position embedding",
    "TranslationTransformer": "position embedding",
}


def kinds_of(model):
    """Parameter name -> kind of layer, weights and biases apart."""
    found = {}
    for prefix, module in model.named_modules():
        owner = type(module).__name__
        for leaf, _ in module.named_parameters(recurse=False):
            part = " bias" if "bias" in leaf else " weight" if "weight" in leaf else ""
            found[f"{prefix}.{leaf}".lstrip(".")] = KINDS.get(owner, owner) + part
    return found


def measured(name, options):
    factory = builtin(name, **options)
    audit = assess(
        factory,
        replicas=REPLICAS["fast"],
        steps=STEPS,
        coordinates=COORDINATES,
        seed=SEED,
    )
    data = audit.to_dict()
    ratios = [layer.budget.ratio for layer in audit.layers if layer.budget is not None]
    counts = {
        a.value: [
            sum(
                layer["assumptions"].get(a.value, {}).get("verdict") == verdict
                for layer in data["layers"]
            )
            for verdict in ("holds", "undecided", "violated")
        ]
        for a in Assumption
    }
    return {
        "layers": counts,
        "lowest": min(ratios),
        "median": statistics.median(ratios),
        "highest": max(ratios),
        "ratios": by_kind(audit, kinds_of(build(factory, SEED).model)),
    }


def by_kind(audit, kinds):
    """Kind of layer -> variance of vhat over the theory's, of every such layer."""
    ratios = {}
    for layer in audit.layers:
        if layer.budget is not None:
            ratios.setdefault(kinds[layer.layer], []).append(float(f"{layer.budget.ratio:.4g}"))
    return ratios


def main():
    audits = []
    for label, (name, options) in TASKS.items():
        audits.append({"task": label, **measured(name, options)})
        print(audits[-1], flush=True)
    data = {
        "schema": 1,
        "version": __version__,
        "seed": SEED,
        "assumptions": [a.value for a in Assumption],
        "caption": f"Ensembles of {REPLICAS['fast']} replicas over the first {STEPS} steps of Adam (beta2 = "
        f"0.999), {COORDINATES} coordinates a layer, bundled data. Layers where the assumption "
        "holds / is undecided / is violated, and the variance of vhat as a multiple of the theory's.",
        "audits": audits,
    }
    path = Path(__file__).with_name("audits_measured.json")
    write_atomic(path, json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
