"""Calibration: the whole pipeline on synthetic gradients of the user's own shape.

False-positive rates on the null at the three levels at which a user reads an answer, and power
against planted violations, and how often "holds" is said of an effect on the edge of its band.
Nothing is assumed about the tests: a rate is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from varlab.audit.assess_recording import assess_recording
from varlab.audit.processes import PLANTED, Process, Shape, edges, iid_normal
from varlab.audit.protocol import Assumption, Protocol
from varlab.audit.recorder.recording import Recording
from varlab.audit.verdicts import AuditVerdict, Bands
from varlab.core import Result, generator, real, require, whole
from varlab.core.json_numbers import json_number
from varlab.core.memory import require_memory
from varlab.core.palette import BLUE, NEUTRAL, ORANGE
from varlab.core.samplers import WITH_REPLACEMENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NULL = "i.i.d. normal"
EDGES = tuple(edges(Bands()))
HOLDS = "layer holds"
LEVELS = ("coordinate", "layer", "model", "layer verdict", HOLDS)


@dataclass(frozen=True)
class Rate:
    """How often something came out positive.

    Attributes
    ----------
    process : str
        ``i.i.d. normal``, the planted violation, or ``... at the edge`` of a band.
    assumption : str
        One of the four, or ``any``.
    level : str
        ``coordinate``: p below the nominal level; ``layer``: Simes p below it; ``model``: Holm p
        below it; ``layer verdict``: the layer was called violated; ``layer holds``: it was said to
        hold, which at the edge of a band should happen at most at half the nominal level.
    rate : float
    ci : tuple of float
        95%. Coordinates of a trial are dependent, so their interval comes from the spread over
        trials; the others' are Wilson's.
    trials : int
    """

    process: str
    assumption: str
    level: str
    rate: float
    ci: tuple[float, float]
    trials: int

    @property
    def wrong(self) -> bool:
        """Whether what is counted is a wrong answer: an alarm on the null, "holds" at an edge."""
        if self.process == NULL:
            return self.level != HOLDS
        return self.process in EDGES and self.level == HOLDS


@dataclass(frozen=True, eq=False)
class Calibration(Result):
    """False-positive rates on the null and power against planted violations.

    Attributes
    ----------
    protocol : Protocol
    shape : Shape
    layers : int
    nominal : float
    seed : int
    rates : tuple of Rate
    """

    protocol: Protocol
    shape: Shape
    layers: int
    nominal: float
    seed: int
    rates: tuple[Rate, ...]

    def rate(self, level: str, assumption: str = "any", process: str = NULL) -> Rate:
        """One rate; KeyError names what there is not."""
        for rate in self.rates:
            if (rate.level, rate.assumption, rate.process) == (level, assumption, process):
                return rate
        raise KeyError(f"no rate for {process}, {assumption}, {level}")

    def excessive(self) -> tuple[Rate, ...]:
        """Rates of wrong answers whose whole interval lies above the nominal one."""
        return tuple(r for r in self.rates if r.wrong and r.ci[0] > self.nominal)

    def to_frame(self) -> pd.DataFrame:
        """One row per process, assumption and level."""
        return pd.DataFrame(
            [
                {
                    "process": r.process,
                    "assumption": r.assumption,
                    "level": r.level,
                    "rate": r.rate,
                    "ci_low": r.ci[0],
                    "ci_high": r.ci[1],
                    "trials": r.trials,
                }
                for r in self.rates
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """What :meth:`to_json` writes."""
        return {
            "schema": 1,
            "protocol": self.protocol.value,
            "replicas": self.shape.replicas,
            "steps": self.shape.steps,
            "coordinates": self.shape.coordinates,
            "correlation": self.shape.correlation,
            "layers": self.layers,
            "nominal": self.nominal,
            "seed": self.seed,
            "rates": [
                {
                    "process": r.process,
                    "assumption": r.assumption,
                    "level": r.level,
                    "rate": json_number(r.rate),
                    "ci": [json_number(v) for v in r.ci],
                    "trials": r.trials,
                }
                for r in self.rates
            ],
        }

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def summary(self) -> str:
        """False-positive rates, then power, as a table."""
        shape = self.shape
        lines = [
            f"calibration of {self.protocol.value}: {shape.replicas} replicas, {shape.steps} steps, "
            f"{shape.coordinates} coordinates (correlation {shape.correlation:g}) in each of "
            f"{self.layers} layers; nominal {self.nominal:g}, seed {self.seed}",
            f"  {'process':20}{'assumption':14}" + "".join(f"{n:>24}" for n in LEVELS),
        ]
        keys = list(dict.fromkeys((r.process, r.assumption) for r in self.rates))
        for process, assumption in keys:
            cells = []
            for level in LEVELS:
                try:
                    r = self.rate(level, assumption, process)
                    cells.append(f"{r.rate:.3f} [{r.ci[0]:.3f}, {r.ci[1]:.3f}]")
                except KeyError:
                    cells.append("-")
            lines.append(f"  {process:20}{assumption:14}" + "".join(f"{c:>24}" for c in cells))
        return "\n".join(lines)

    def _draw(self, ax: Axes) -> None:
        rates = [r for r in self.rates if r.wrong and np.isfinite(r.rate)]
        for row, r in enumerate(rates):
            ax.plot(r.ci, [row, row], color=NEUTRAL, lw=1.5)
            ax.plot([r.rate], [row], "o", color=BLUE, ms=4)
        ax.axvline(self.nominal, color=ORANGE, lw=0.8, ls="--")
        names = [f"{r.level}  {r.assumption}" for r in rates]
        ax.set_yticks(range(len(rates)), names, fontsize=7)
        ax.invert_yaxis()
        ax.set_xlabel('rate of wrong answers: alarms on the null, "holds" at a band\'s edge')


def calibrate(
    *,
    replicas: int = 64,
    steps: int = 20,
    coordinates: int = 64,
    layers: int = 1,
    correlation: float = 0.0,
    protocol: str = "ensemble",
    trials: int = 200,
    power_trials: int = 20,
    level: float = 0.05,
    bands: Bands | None = None,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Calibration:
    """Count false positives on i.i.d. normals, and power against planted violations.

    Parameters
    ----------
    replicas, steps, coordinates, layers : int
        Shape of the recording; ``coordinates`` per layer. Under ``frozen`` the draws are ``steps``;
        under ``run`` and ``frozen`` there is one replica whatever ``replicas`` says.
    correlation : float
        In [0, 1), between the coordinates of a layer.
    protocol : str
    trials : int
        Recordings of the null, >= 1.
    power_trials : int
        Recordings of each planted violation, and of an effect on the edge of each band; 0 for none.
    level : float
        Nominal error rate.
    bands : Bands, optional
    seed : int
        Trial k of a process draws from its own stream: a longer run extends a shorter one.
    progress : callable, optional
        ``progress(done, total, what)`` after each trial.

    Returns
    -------
    Calibration
    """
    chosen = Protocol.parse(protocol)
    trials, layers = whole("trials", trials, 1), whole("layers", layers, 1)
    power_trials, seed = whole("power_trials", power_trials, 0), whole("seed", seed, 0)
    shape = Shape(replicas if chosen is Protocol.ENSEMBLE else 1, steps, coordinates, correlation)
    units = shape.replicas if chosen is Protocol.ENSEMBLE else shape.steps
    name = "replicas" if chosen is Protocol.ENSEMBLE else "steps"
    level = real("level", level, "lie in (0, 0.5]", lambda p: 0 < p <= 0.5)
    require(units >= chosen.fewest, name, f"be >= {chosen.fewest} under {chosen.value}", units)
    require_memory(
        # the normals and the recording, and a test or two's intermediate results
        32 * layers * shape.replicas * shape.steps * shape.coordinates,
        f"a recording of {shape.replicas} replicas x {shape.steps} steps x {coordinates} coordinates",
        "ask for less",
    )
    work: list[tuple[str, Process, int]] = [(NULL, iid_normal, trials)]
    limits = bands or Bands()
    at_edge = {
        n: (a, p)
        for n, (a, p) in edges(limits).items()
        if chosen.cannot(a, WITH_REPLACEMENT) is None
    }
    if power_trials:
        work += [(n, p, power_trials) for n, p in PLANTED.items() if _shows(n, chosen)]
        work += [(n, p, power_trials) for n, (_, p) in at_edge.items()]
    total, done = sum(count for _, _, count in work), 0
    rates: list[Rate] = []
    for label, process, count in work:
        counts = []
        for trial in range(count):
            rng = generator(seed, "audit", "calibrate", label, trial)
            counts.append(_trial(process, shape, layers, chosen, level, limits, rng))
            done += 1
            if progress is not None:
                progress(done, total, label)
        found = _rates(label, counts)
        # The other assumptions hold there, and rightly so.
        owner = at_edge[label][0].value if label in at_edge else None
        rates += [r for r in found if owner in (None, r.assumption)]
    return Calibration(chosen, shape, layers, level, seed, tuple(rates))


def _shows(process: str, protocol: Protocol) -> bool:
    """Whether a planted violation can occur under ``protocol``: frozen draws are i.i.d."""
    return protocol is not Protocol.FROZEN or not process.startswith(("AR", "scale drift"))


def _trial(
    process: Process,
    shape: Shape,
    layers: int,
    protocol: Protocol,
    level: float,
    bands: Bands,
    rng: np.random.Generator,
) -> dict[tuple[str, str], float]:
    """Share of positives per (level, assumption) in one recording."""
    x = np.concatenate([process(shape, rng) for _ in range(layers)], axis=2)
    names = [f"layer {i}" for i in range(layers) for _ in range(shape.coordinates)]
    recording = Recording.from_arrays(x, names, protocol=protocol.value)
    audit = assess_recording(recording, level=level, bands=bands)
    found: dict[tuple[str, str], float] = {}
    tested = [a for a in Assumption if audit.model[a].tested]
    for a in tested:
        cells = [layer.assumptions[a] for layer in audit.layers]
        pvalues = np.concatenate([layer.pvalues[a] for layer in audit.layers])
        found["coordinate", a.value] = float(np.mean(pvalues < level))
        found["layer", a.value] = float(np.mean([c.pvalue < level for c in cells]))
        for name, verdict in (
            ("layer verdict", AuditVerdict.VIOLATED),
            (HOLDS, AuditVerdict.HOLDS),
        ):
            found[name, a.value] = float(np.mean([c.verdict is verdict for c in cells]))
        found["model", a.value] = float(audit.model[a].pvalue < level)
    found["model", "any"] = float(any(found["model", a.value] for a in tested))
    return found


def _rates(process: str, counts: list[dict[tuple[str, str], float]]) -> list[Rate]:
    rates = []
    for level, assumption in counts[0]:
        values = np.array([c[level, assumption] for c in counts])
        rate, trials = float(values.mean()), len(values)
        if np.all(np.isin(values, (0.0, 1.0))):
            wilson = stats.binomtest(int(values.sum()), trials).proportion_ci(method="wilson")
            ci = (float(wilson.low), float(wilson.high))
        elif trials > 1:
            half = float(stats.t.isf(0.025, trials - 1) * values.std(ddof=1) / np.sqrt(trials))
            ci = (max(rate - half, 0.0), min(rate + half, 1.0))
        else:
            ci = (float("nan"), float("nan"))
        rates.append(Rate(process, assumption, level, rate, ci, trials))
    return rates
