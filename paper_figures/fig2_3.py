"""Fig. 2 and 3: sizes of all gradients in the first hundred steps, pooled and standardised.

The paper's histograms of ln(abs(g) + 1e-9) over all coordinates together; beside them, beyond the
paper, each coordinate divided by its own root mean square over independent runs, with the curve that
i.i.d. zero-mean normal replicas would give exactly.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from paper_figures.runs import PAPER_TRANSFORMER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs
    from paper_figures.store import Data

LR, STEPS = 1e-2, 250  # as in Fig. 1; only the first hundred steps are run
SEEDS = 8
PAPER = {**PAPER_TRANSFORMER, "frozen_steps": 2000, "seeds": 4}
LOW, HIGH, BINS = -21.0, 1.0, 44  # of ln(abs(g)); 1e-9 alone is -20.7
Z_LOW, Z_HIGH, Z_BINS = -8.0, 1.5, 38  # of ln(abs(g)/rms)
RIDGE = 0.95  # height of the highest histogram, in rows: none runs into the one above


def generate(budget: str, seed: int, runs: Runs | None = None) -> Data:
    """Histograms of each arm at the paper's steps."""
    import numpy as np
    from scipy import stats

    from paper_figures.runs import SEEDS as FACTOR
    from paper_figures.runs import Runs
    from varlab.tasks.experiments import controls
    from varlab.tasks.experiments.gradients import PAPER_STEPS, gradients_at, log_sizes

    runs = runs or Runs()
    experiment = runs.sized(controls, steps=STEPS, seeds=SEEDS * FACTOR[budget], lr=LR)
    seeds = experiment.seeds
    edges, z_edges = np.linspace(LOW, HIGH, BINS + 1), np.linspace(Z_LOW, Z_HIGH, Z_BINS + 1)
    arms: dict[str, Any] = {}
    for arm in experiment.arms:
        g = gradients_at(experiment, arm, seed=seed, progress=runs.progress)
        pooled, standardised, zeros, medians = [], [], [], []
        for at in range(len(PAPER_STEPS)):
            now = g[:, at].astype(float)
            logs = log_sizes(now)
            pooled.append(_shares(logs, edges))
            zeros.append(float(np.mean(now == 0)))
            medians.append(float(np.median(logs[now != 0])))
            rms = np.sqrt(np.mean(now**2, axis=0))
            alive = np.all(now != 0, axis=0)
            standardised.append(_shares(np.log(np.abs(now[:, alive]) / rms[alive]), z_edges))
        arms[arm.name] = {
            "pooled": pooled,
            "standardised": standardised,
            "zero_share": zeros,
            "median": medians,
        }
    # For R i.i.d. zero-mean normals, g^2/(R rms^2) is Beta(1/2, (R-1)/2), whatever the scale.
    null = np.diff(stats.beta.cdf(np.minimum(np.exp(2 * z_edges) / seeds, 1), 0.5, (seeds - 1) / 2))
    return {
        "steps": list(PAPER_STEPS),
        "edges": edges.tolist(),
        "z_edges": z_edges.tolist(),
        "null": [float(f"{v:.4g}") for v in null],
        "arms": arms,
        "request": experiment.attrs["request"],
    }


def draw(data: Data) -> Figure:
    """One row an arm: pooled at left, standardised at right, the steps stacked from the first."""
    import matplotlib.pyplot as plt

    from paper_figures.runs import asked, here
    from paper_figures.style import BLACK, BLUE, ORANGE, PAGE, caption

    arms = data["arms"]
    figure, axes = plt.subplots(len(arms), 2, figsize=(PAGE, 1.25 * len(arms) + 0.8), sharex="col")
    for row, (name, runs) in enumerate(arms.items()):
        for ax, key, edges, color in (
            (axes[row, 0], "pooled", data["edges"], BLUE),
            (axes[row, 1], "standardised", data["z_edges"], ORANGE),
        ):
            middles = [(a + b) / 2 for a, b in pairwise(edges)]
            null = data["null"] if key == "standardised" else []
            scale = max(map(max, [*runs[key], null] if null else runs[key])) / RIDGE
            for place, shares in enumerate(runs[key]):
                base = len(runs[key]) - 1 - place
                top = [base + s / scale for s in shares]
                ax.fill_between(middles, base, top, color=color, alpha=0.55, lw=0, zorder=place)
                ax.plot(middles, top, color=color, lw=0.6, zorder=place)
                if null:
                    dotted = [base + s / scale for s in null]
                    ax.plot(middles, dotted, color=BLACK, lw=0.7, ls=(0, (1, 1)), zorder=20)
            ax.set_yticks(
                range(len(runs[key])), [str(s) for s in reversed(data["steps"])], fontsize=5.5
            )
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
        axes[row, 0].set_ylabel(f"{name}\nstep", fontsize=7)
    axes[0, 0].set_title("pooled over coordinates")
    axes[0, 1].set_title("each coordinate over its own rms (dotted: i.i.d. normal)")
    axes[-1, 0].set_xlabel(r"$\ln(|g| + 10^{-9})$")
    axes[-1, 1].set_xlabel(r"$\ln(|g|/\mathrm{rms})$")
    request, steps = asked(data["request"]), data["steps"]
    caption(
        figure,
        "Paper: 6+6 layers of width 512, IWSLT'14 De-En, one run, stacked along all iterations; here only "
        f"the {len(steps)} steps that it enlarges. Here: {here(request)}, of which the first {steps[-1]}, "
        f"lr {request['lr']:g}, {request['seeds']} runs. Gradients that are exactly 0 (rows of absent "
        "letters) fall into the leftmost bin of the pooled histogram and are left out of the "
        "standardised one.",
    )
    return figure


def _shares(values: Any, edges: Any) -> list[float]:
    import numpy as np

    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return [float(f"{v:.3g}") for v in counts / max(counts.sum(), 1)]
