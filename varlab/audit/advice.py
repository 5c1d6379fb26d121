"""What an audit adds to the advice on a beta2: the degrees of freedom that the layers were measured to have.

The theory counts n_t degrees of freedom in vhat_t, and every warm-up that is made from it (r_t, the
equivalent linear one) stands on that count. An audit measures Var[log psi_t], which is
trigamma(n/2)/4 for n degrees of freedom: solved for n, it says how many a layer really had.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from varlab.audit.protocol import Protocol
from varlab.audit.views.text import two_digits
from varlab.core import InputError, Result, shortest, told
from varlab.core.json_numbers import json_number
from varlab.numerics import rectification
from varlab.numerics.degrees_of_freedom import kish_step
from varlab.numerics.inverse_chi import log_psi_degrees
from varlab.numerics.rectification import factor_of_degrees

SCHEMA = 1
REPORT = "audit.json"
FEWER, AGREES, MORE, OPEN = "fewer", "as the theory", "more", "unknown"


@dataclass(frozen=True)
class LayerAdvice:
    """One layer at the last recorded step.

    Attributes
    ----------
    layer : str
    degrees : float
        n with trigamma(n/2)/4 equal to the measured Var[log psi].
    ci : tuple of float, or None
        Where the measured variance has no interval, None.
    compared : str
        ``fewer`` or ``more`` degrees of freedom than the theory's, whose value lies outside ``ci``;
        ``as the theory``; ``unknown`` without an interval.
    like_step : float or None
        Time at which the theory has that many, not whole, and below 1 where it has more at every
        step; None where it never has so many.
    factor : float or None
        sqrt(Var[psi_inf] / Var[psi]) at ``degrees``, what r_t stands for; None up to 2, where the
        variance is infinite.
    """

    layer: str
    degrees: float
    ci: tuple[float, float] | None
    compared: str
    like_step: float | None
    factor: float | None


@dataclass(frozen=True)
class AuditAdvice(Result):
    """An audit in the terms of ``varlab advise``.

    Attributes
    ----------
    task, protocol, answer : str
    beta2 : float
    step : int or None
        The last recorded one; None where nothing was measured.
    degrees : float or None
        The theory's n_t there.
    r_t, exact : float or None
        The paper's factor there, and that of the exact law; None where they are not defined.
    layers : tuple of LayerAdvice
        The measured ones.
    """

    task: str
    protocol: str
    answer: str
    beta2: float
    step: int | None
    degrees: float | None
    r_t: float | None
    exact: float | None
    layers: tuple[LayerAdvice, ...]

    def summary(self) -> str:
        """The audit's answer, then what it means for r_t."""
        if self.step is None or self.degrees is None:
            return (
                f"{self.answer}\nThe {self.protocol} audit measured no Var[log psi], so it says nothing "
                "of the degrees of freedom; audit with --protocol ensemble."
            )
        counts = [x.degrees for x in self.layers]
        least, most = (f(self.layers, key=lambda x: x.degrees) for f in (min, max))
        told_by = [x.compared for x in self.layers]
        kinds = ", ".join(f"{told_by.count(k)} {k}" for k in dict.fromkeys(told_by))
        factors = ", ".join(
            f"{name} = {value:.3f}"
            for name, value in (("r_t", self.r_t), ("exact r_t", self.exact))
            if value is not None
        )
        lines = [
            self.answer,
            f"At step {self.step} the theory has n_t = {two_digits(self.degrees)} degrees of freedom; "
            f"{factors or 'r_t is not defined'}. Measured by Var[log psi]: "
            f"{two_digits(statistics.median(counts))} in the median "
            f"layer, {two_digits(least.degrees)} ({least.layer}) to {two_digits(most.degrees)} ({most.layer}); "
            f"of {len(counts)} layers {kinds}.",
        ]
        if fewer := [x for x in self.layers if x.compared == FEWER]:
            steps = [x.like_step for x in fewer if x.like_step is not None]
            like = (
                f", as the theory has it at step {two_digits(statistics.median(steps))}"
                if steps
                else ""
            )
            lines.append(
                f"Where they are fewer, psi varies more than r_t and the warm-ups above count on{like}."
            )
        elif OPEN not in told_by:
            lines.append("In no layer does psi vary more than r_t and the warm-ups above count on.")
        lines.append(
            "At fixed parameters nothing drifts or depends, which leaves more than training has."
            if self.protocol == Protocol.FROZEN
            else "The audit says nothing of later steps."
        )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def audit_advice(path: Path, beta2: float) -> AuditAdvice:
    """Read an audit: its ``audit.json``, or the folder that ``varlab audit --out`` wrote.

    Parameters
    ----------
    path : Path
    beta2 : float
        In [0, 1); must be the audit's own, whose variances say nothing of another.

    Raises
    ------
    InputError
        When there is no audit, it cannot be read, or it is of another beta2.
    """
    place = path / REPORT if path.is_dir() else path
    if not place.is_file():
        raise InputError(f"no audit at {place}; make one with varlab audit TASK --out {path}")
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        schema, own = data["schema"], float(data["beta2"])
        _, _ = data["model"], data["layers"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{place} is not the JSON of an audit: {told(error)}; audit again"
        ) from None
    if schema != SCHEMA:
        raise InputError(f"{place} has schema {schema}; this varlab reads schema {SCHEMA}")
    if own != beta2:
        raise InputError(
            f"the audit in {place} is of beta2 {shortest(own)}, and its variances say nothing of "
            f"{shortest(beta2)}; ask for --beta2 {shortest(own)}, or audit a task with that beta2"
        )
    try:
        return _advice(data, beta2)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{place} is damaged: {told(error)}; audit again") from None


def _advice(data: dict[str, Any], beta2: float) -> AuditAdvice:
    measured = [x for x in data["layers"] if x["log_psi_variance"]["measured"]]
    known: dict[str, Any] = dict.fromkeys(("step", "degrees", "r_t", "exact"))
    if measured:
        # All layers were recorded at the same steps.
        last = measured[0]["log_psi_variance"]
        step = int(last["step"])
        known = {
            "step": step,
            "degrees": float(log_psi_degrees(last["theory"])),
            "r_t": json_number(rectification(step, beta2)),
            "exact": json_number(rectification(step, beta2, "exact")),
        }
    return AuditAdvice(
        task=str(data["task"]),
        protocol=str(data["protocol"]),
        answer=str(data["answer"]),
        beta2=beta2,
        layers=tuple(_layer(x, beta2) for x in measured),
        **known,
    )


def _layer(entry: dict[str, Any], beta2: float) -> LayerAdvice:
    variance = entry["log_psi_variance"]
    degrees, theory = (float(log_psi_degrees(variance[k])) for k in ("measured", "theory"))
    ci, compared = None, OPEN
    if None not in variance["ci"]:
        # A large variance is of few degrees of freedom: the ends change places.
        high, low = (float(log_psi_degrees(end)) for end in variance["ci"])
        ci = (low, high)
        compared = FEWER if high < theory else MORE if low > theory else AGREES
    return LayerAdvice(
        layer=str(entry["layer"]),
        degrees=degrees,
        ci=ci,
        compared=compared,
        like_step=json_number(kish_step(degrees, beta2)),
        factor=json_number(factor_of_degrees(degrees, beta2)),
    )
