"""Audit the built-in tasks and keep the verdicts: ``python tests/audit/measure_tasks.py``.

Writes audits_measured.json beside this file; the README's table is written from it.
"""

import json
import statistics
from pathlib import Path

from varlab import __version__
from varlab.audit.assess import assess
from varlab.audit.protocol import Assumption
from varlab.core.files import write_atomic
from varlab.tasks import builtin

REPLICAS, STEPS, COORDINATES, SEED = 48, 20, 32, 0
TASKS = {
    "mlp": ("mlp", {}),
    "lenet": ("lenet", {}),
    "resnet20 (depth 8)": ("resnet20", {"depth": 8, "width": 8}),
    "lstm-lm": ("lstm-lm", {}),
    "transformer-lm, LayerNorm after": ("transformer-lm", {"norm": "post"}),
    "transformer-lm, LayerNorm before": ("transformer-lm", {"norm": "pre"}),
    "transformer-mt": ("transformer-mt", {}),
}


def measured(name, options):
    audit = assess(
        builtin(name, **options),
        replicas=REPLICAS,
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
    }


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
        "caption": f"Ensembles of {REPLICAS} replicas over the first {STEPS} steps of Adam (beta2 = "
        f"0.999), {COORDINATES} coordinates a layer, bundled data. Layers where the assumption "
        "holds / is undecided / is violated, and the variance of vhat as a multiple of the theory's.",
        "audits": audits,
    }
    path = Path(__file__).with_name("audits_measured.json")
    write_atomic(path, json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
