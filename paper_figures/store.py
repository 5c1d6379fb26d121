"""The data behind each figure: small JSON files with seed, versions and command; and the renderings."""

from __future__ import annotations

import inspect
import io
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from varlab import __version__
from varlab.core import InputError
from varlab.core.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paper_figures.runs import Runs

Data = dict[str, Any]
HERE = Path(__file__).parent
IN_A_CHECKOUT = (HERE.parent / "pyproject.toml").is_file()
# One module a figure, in the paper's order, then varlab's own. A new figure: one file, one line.
NAMES = (
    "fig1",
    "fig2_3",
    "fig4",
    "fig5_table1",
    "fig6",
    "fig7",
    "fig8",
    "fig9",
    "table2",
    "table3",
    "warmups",
    "approximation_errors",
    "violation_budget",
    "convex_surface",
    "schedules",
    "lenet_decay",
    "scale",
)
SIGNIFICANT_DIGITS = 8
# What the numbers of a data file rest on, beside varlab itself.
VERSIONED = ("numpy", "scipy", "torch")


@dataclass(frozen=True)
class FigureFile:
    """One figure: how its data is computed, how it is drawn, where both are kept."""

    name: str
    generate: Callable[..., Data]
    draw: Callable[[Data], Figure]
    title: str
    paper: Mapping[str, Any] | None = None

    @property
    def trains(self) -> bool:
        """Whether it rests on training runs, whose sizes are options."""
        return "runs" in inspect.signature(self.generate).parameters

    def data_path(self, root: Path = HERE) -> Path:
        """Its data file."""
        return root / "data" / f"{self.name}.json"

    def regenerate(
        self, budget: str, seed: int, root: Path = HERE, runs: Runs | None = None
    ) -> Data:
        """Compute the data afresh and keep it.

        ``runs`` holds the sizes of training runs, and where they are kept.

        Raises
        ------
        InputError
            Options for a figure without training runs, or unknown ones.
        """
        options = runs.options if runs else {}
        self.refuse_options(options)
        words = ["varlab", "figures", self.name, "--regenerate", "--budget", budget]
        words += ["--seed", str(seed)]
        for name, value in options.items():
            written = "/".join(map(str, value)) if isinstance(value, tuple) else value
            words += ["--option", f"{name}={written}"]
        data = {
            "figure": self.name,
            "version": __version__,
            "versions": {package: metadata.version(package) for package in VERSIONED},
            "seed": seed,
            "budget": budget,
            "command": shlex.join(words) + (" --out DIR" if options else ""),
            **(
                self.generate(budget, seed, runs)
                if runs and self.trains
                else self.generate(budget, seed)
            ),
        }
        path = self.data_path(root)
        write_atomic(path, json.dumps(rounded(data), allow_nan=False) + "\n")
        return self.load(root)

    def refuse_options(self, options: Mapping[str, Any]) -> None:
        """Sizes are for figures with training runs.

        Raises
        ------
        InputError
        """
        if options and not self.trains:
            raise InputError(
                f"figure {self.name} has no training runs whose sizes could be set; "
                f"got {next(iter(options))}"
            )

    def load(self, root: Path = HERE) -> Data:
        """The data as kept.

        Raises
        ------
        InputError
            No data file, or one that is not JSON.
        """
        path = self.data_path(root)
        try:
            data: Data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"no data for figure {self.name}; add --regenerate") from None
        except json.JSONDecodeError:
            raise InputError(f"{path} is not JSON; restore it or add --regenerate") from None
        return data

    def render(self, directory: Path, root: Path = HERE) -> tuple[Path, ...]:
        """Draw from the kept data to ``directory``/NAME.png and .svg."""
        from paper_figures.style import style

        unsigned: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}}
        paths = []
        with style():
            figure = self.draw(self.load(root))
            for kind, metadata in unsigned.items():
                picture = io.BytesIO()
                figure.savefig(picture, format=kind, metadata=metadata)
                figure.set_layout_engine("none")  # laid out once, for the first format
                paths.append(directory / f"{self.name}.{kind}")
                write_atomic(paths[-1], picture.getvalue())
        import matplotlib.pyplot as plt

        plt.close(figure)
        return tuple(paths)


def figure(name: str) -> FigureFile:
    """The figure called ``name``.

    Raises
    ------
    InputError
        An unknown name.
    """
    if name not in NAMES:
        raise InputError(f"no figure {name!r}; there are {', '.join(NAMES)}")
    module = import_module(f"paper_figures.{name}")
    title = (module.__doc__ or name).splitlines()[0].rstrip(".")
    return FigureFile(name, module.generate, module.draw, title, getattr(module, "PAPER", None))


def rounded(value: Any) -> Any:
    """Floats cut to a few digits, so that files stay small and do not change with the last bit."""
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value
