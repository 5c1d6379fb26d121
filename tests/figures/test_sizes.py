"""Figures of training runs at other sizes: options reach the runs, captions say them, kills cost nothing."""

import json

import matplotlib
import matplotlib.pyplot as plt
import pytest

from paper_figures.runs import MODELS, Runs, here
from paper_figures.store import NAMES, VERSIONED, figure
from varlab.core import InputError
from varlab.tasks import TASKS

TRAINED = [name for name in NAMES if figure(name).trains]
# Each as small as it goes: a few steps of a small model, two seeds (an interval needs two). On the
# device "auto" the runs stay in this process.
RESNET = {"steps": 3, "seeds": 2, "width": 4}
TRANSFORMER = {"steps": 5, "seeds": 2, "width": 8, "heads": 2, "layers": 1}
TINY = {
    "fig1": {**TRANSFORMER, "lr": 0.004},
    "fig2_3": TRANSFORMER,
    "fig4": {"steps": 3, "seeds": 2, "hidden": 4},
    "fig5_table1": RESNET,
    "fig6": RESNET,
    "fig7": {**RESNET, "steps": 20},  # fewer, and the four warm-ups coincide
    "lenet_decay": {"steps": 3, "seeds": 2, "batch": 4},
    "schedules": TRANSFORMER,
    "table3": RESNET,
}


@pytest.fixture(scope="module", autouse=True)
def no_screen():
    matplotlib.use("agg")


def test_every_figure_with_runs_is_tested_here_and_has_the_papers_sizes():
    assert set(TINY) == set(TRAINED)
    assert all(figure(name).paper for name in TRAINED)


@pytest.mark.parametrize("name", TRAINED)
def test_sizes_reach_the_runs_the_caption_and_the_picture(name, tmp_path):
    each = figure(name)
    data = each.regenerate("fast", 0, tmp_path, Runs({**TINY[name], "device": "auto"}))
    assert f"--option steps={TINY[name]['steps']}" in data["command"]
    assert set(data["versions"]) == set(VERSIONED)
    assert all(path.stat().st_size > 1000 for path in each.render(tmp_path, tmp_path))
    drawn = each.draw(data)
    words = drawn.get_supxlabel().replace("\n", " ")
    plt.close(drawn)
    assert f"{TINY[name]['steps']} steps of" in words
    if "width" in TINY[name]:
        assert f"of width {TINY[name]['width']}" in words


@pytest.mark.parametrize("name", TRAINED)
def test_the_papers_sizes_are_options_of_the_experiment(name):
    from varlab.tasks import experiments

    makers = {
        "fig1": "controls",
        "fig2_3": "controls",
        "fig4": "language_model",
        "fig5_table1": "image",
        "fig6": "robustness",
        "fig7": "warmup_tuning",
        "lenet_decay": "lenet_decay",
        "schedules": "schedules",
        "table3": "first_steps",
    }
    # Only described: the paper's models are too large to be built in a test.
    made = Runs(figure(name).paper).sized(getattr(experiments, makers[name]))
    request = json.loads(made.attrs["request"])
    assert made.steps == figure(name).paper["steps"]
    assert f"{made.steps} steps of {request['batch']}" in here(request)


def test_finished_runs_are_not_repeated(tmp_path, monkeypatch):
    from varlab.tasks import training

    runs = Runs({**RESNET, "device": "auto"}, tmp_path / "runs")  # auto: one process
    whole = figure("table3").regenerate("fast", 0, tmp_path, runs)
    kept = sorted((tmp_path / "runs" / "runs").glob("run-*.json"))
    assert len(kept) == 6  # three arms, two seeds
    kept[0].unlink()
    again = []
    run_arm = training.run_arm
    monkeypatch.setattr(
        training, "run_arm", lambda *args: again.append(args[1].name) or run_arm(*args)
    )
    assert figure("table3").regenerate("fast", 0, tmp_path, runs) == whole
    assert again == ["RAdam"]


def test_every_task_of_a_figure_can_be_described():
    assert set(MODELS) <= set(TASKS)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fig8", {"steps": 3}, "figure fig8 has no training runs whose sizes could be set"),
        ("fig6", {"heads": 3}, "task resnet20 has no option 'heads'"),
        ("fig6", {"steps": 0}, "steps must be an integer >= 1; got 0"),
        ("fig6", {"seeds": 1.5}, "seeds must be an integer >= 1; got 1.5"),
        ("lenet_decay", {"plateau_every": 0}, "plateau_every must be an integer >= 1; got 0"),
        ("fig6", {"data": "/nowhere"}, "/nowhere"),
    ],
)
def test_bad_sizes_are_one_line(name, options, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        figure(name).regenerate("fast", 0, tmp_path, Runs({**options, "device": "auto"}))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()
