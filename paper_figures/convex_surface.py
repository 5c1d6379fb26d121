"""A convex surface with a flat and a steep direction: two rates of GD, Adagrad's burst, RMSProp (B3).

Deterministic recursions on a quadratic of curvatures 1 and 150 whose axes are turned by 45 degrees;
the blog does not give its own surface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.store import Data

SHOWN = 400  # steps of Adagrad
SLOW_STEPS = 100_000  # the blog's
CHANGE, RATIO, AFTER, DECAY = 100, 10.0, 500, 0.9


def generate(budget: str, seed: int) -> Data:
    """All recursions; deterministic, so budget and seed change nothing."""
    import numpy as np

    from varlab.claims.accumulators import ADAGRAD_LR, FLAT, ROTATION, SPECK, STEEP
    from varlab.claims.recursions import adagrad_denominators, descend, rmsprop_denominators

    hessian = ROTATION @ np.diag([FLAT, STEEP]) @ ROTATION.T

    def gradient(point: Any) -> Any:
        return np.asarray(hessian @ point)

    corner = ROTATION @ np.array([1.0, 1.0])
    on_axis = ROTATION[:, 0] + SPECK * ROTATION[:, 1]
    fast = descend(gradient, corner, 40, lambda t: 1e-2)[0] @ ROTATION
    adagrad = descend(gradient, on_axis, SHOWN, lambda t: ADAGRAD_LR, adagrad=True)[0]
    decayed = descend(gradient, on_axis, SHOWN, lambda t: ADAGRAD_LR / t, adagrad=True)[0]
    steps = np.unique(np.geomspace(1, SLOW_STEPS, 80).round().astype(int))
    changed = np.where(np.arange(CHANGE + AFTER) < CHANGE, 1.0, RATIO)
    # What each denominator comes to under the new scale alone: its size once it has adapted.
    settled = RATIO * np.sqrt(np.arange(1, CHANGE + AFTER + 1))
    return {
        "curvatures": [FLAT, STEEP],
        "fast": {"flat": fast[:, 0].tolist(), "steep": fast[:, 1].tolist()},
        "slow": {"step": steps.tolist(), "distance": ((1 - 1e-7 * FLAT) ** steps).tolist()},
        "moderate": {"step": steps.tolist(), "distance": ((1 - 1e-2 * FLAT) ** steps).tolist()},
        "adagrad": np.linalg.norm(adagrad, axis=1).tolist(),
        "adagrad_decayed": np.linalg.norm(decayed, axis=1).tolist(),
        "change": CHANGE,
        "ratio": RATIO,
        "rmsprop_denominator": (rmsprop_denominators(changed, DECAY) / RATIO).tolist(),
        "adagrad_denominator": (adagrad_denominators(changed) / settled).tolist(),
    }


def draw(data: Data) -> Figure:
    """GD's paths, Adagrad's distance, both denominators after the change."""
    import matplotlib.pyplot as plt

    from paper_figures.style import BLUE, GREEN, GREY, ORANGE, PAGE, caption

    figure, (path, burst, adapt) = plt.subplots(1, 3, figsize=(PAGE, 2.7))
    path.plot(data["fast"]["flat"], data["fast"]["steep"], "o-", color=ORANGE, ms=2, lw=0.8)
    path.plot([0], [0], "+", color=GREY, ms=8)
    left = data["slow"]["distance"][-1]
    path.set_title(f"GD: lr 1e-2 oscillates;\nlr 1e-7: {left:.0%} left after 1e5")
    path.set_xlabel("flat axis")
    path.set_ylabel("steep axis")
    steps = range(1, len(data["adagrad"]) + 1)
    burst.loglog(steps, data["adagrad"], color=ORANGE, label="constant lr")
    burst.loglog(
        steps, data["adagrad_decayed"], color=BLUE, ls=(0, (5, 1.5)), label="lr falling like 1/t"
    )
    burst.set_title("Adagrad")
    burst.set_xlabel("step (1: the start)")
    burst.set_ylabel("distance from the minimum")
    burst.legend(loc="lower left")
    adapt.plot(data["rmsprop_denominator"], color=BLUE, label="RMSProp, decay 0.9")
    adapt.plot(data["adagrad_denominator"], color=GREEN, ls=(0, (5, 1.5)), label="Adagrad")
    adapt.axvline(data["change"], color=GREY, lw=0.7)
    adapt.axhline(1, color=GREY, lw=0.7)
    adapt.set_title("gradients grow tenfold")
    adapt.set_xlabel("step")
    adapt.set_ylabel("denominator / its settled size")
    adapt.legend(loc="lower right")
    constant, decayed = data["adagrad"][-1], data["adagrad_decayed"][-1]
    flat, steep = data["curvatures"]
    caption(
        figure,
        f"Quadratic, curvatures {flat:g} and {steep:g}, axes turned by 45 degrees (the blog gives no "
        "surface). Adagrad starts on the flat axis up to 1e-12: the steep component grows while rate "
        "x curvature > 2, and a rate that falls like 1/t prevents it, but stops short: "
        f"{decayed:.0g} from the minimum after {len(data['adagrad']) - 1} steps, {constant:.0g} at the "
        f"constant rate. Right: gradients of size 1, from step {data['change']} on of size "
        f"{data['ratio']:g}.",
    )
    return figure
