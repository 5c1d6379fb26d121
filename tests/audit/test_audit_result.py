"""The audit as a result: schema, statuses, page, pictures."""

import json
import math
from html.parser import HTMLParser

import numpy as np
import pytest
from departures import shared_mean
from matplotlib.figure import Figure

from varlab.audit.assess_recording import assess_recording
from varlab.audit.processes import Shape, iid_normal
from varlab.audit.protocol import Assumption
from varlab.audit.recorder.recording import Recording
from varlab.audit.views.text import interval, name_width, short_name, two_digits
from varlab.core import DomainError, InputError, generator
from varlab.tasks import TASKS, build, builtin

NASTY = '_orig<script>alert("x")</script>$\\frac{$&'


def recording(**kwargs):
    rng = generator(0, "tests", "result")
    x = np.concatenate(
        [iid_normal(Shape(32, 6, 8), rng), shared_mean(0.6)(Shape(32, 6, 8), rng)], axis=2
    )
    names = [NASTY] * 8 + ["head"] * 8
    return Recording.from_arrays(x, names, 0.99, task="toy", seed=3, **kwargs)


@pytest.fixture(scope="module")
def audit():
    return assess_recording(recording(), command="varlab audit toy --seed 3")


ASSUMPTIONS = {assumption.value for assumption in Assumption}


def test_json_has_the_contract_s_shape(audit):
    found = json.loads(audit.to_json())
    assert {"schema", "protocol", "task", "layers", "model"} <= set(found)
    assert found["schema"] == 1
    for layer in found["layers"]:
        assert {"layer", "status", "coordinates", "n", "assumptions"} <= set(layer)
        assert set(layer["assumptions"]) == ASSUMPTIONS
        assert {"measured", "ci", "theory", "step"} == set(layer["log_psi_variance"])
        shares = layer["violation_budget"]
        names = ("normal-iid", "mean", "kurtosis", "drift", "dependence")
        assert sum(shares[n] for n in names) == pytest.approx(shares["total"], rel=1e-12)
        for cell in layer["assumptions"].values():
            assert {"verdict", "pvalue", "effect", "ci", "band", "minimum_detectable"} <= set(cell)
            assert cell["verdict"] in {"holds", "violated", "undecided"}
            assert len(cell["ci"]) == len(cell["band"]) == 2
    assert set(found["model"]) == ASSUMPTIONS


def test_untested_numbers_are_null_in_json():
    x = np.zeros((1, 200, 1))
    x[0] = np.random.default_rng(0).standard_normal((200, 1))
    found = json.loads(assess_recording(Recording.from_arrays(x, ["a"], protocol="run")).to_json())
    layer = found["layers"][0]
    assert layer["log_psi_variance"]["measured"] is None
    assert layer["violation_budget"]["total"] is None


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda x: np.zeros_like(x), "constant"),
        (lambda x: x[:10], "too-few-samples"),
        (lambda x: np.where(np.arange(6)[:, None] >= 3, np.nan, x), "nonfinite(4)"),
        (lambda x: np.where(np.arange(6)[:, None] >= 5, np.inf, x), "nonfinite(6)"),
    ],
)
def test_layers_that_cannot_be_tested_say_why(spoil, status):
    x = spoil(iid_normal(Shape(32, 6, 3), np.random.default_rng(1)))
    result = assess_recording(Recording.from_arrays(x, ["a"] * 3))
    (layer,) = result.layers
    assert layer.status == status
    few = "too few independent replicas: 10, needs at least 24"
    reason = few if status == "too-few-samples" else status
    assert all(r.reason == f"not tested: {reason}" for r in layer.assumptions.values())
    assert f"1 of 1 layers not tested ({reason})" in result.answer()
    assert "no layer could be tested" in result.answer()
    assert status in str(result)
    json.loads(result.to_json())


def test_a_live_recording_is_copied_once():
    """Each look at ``dataset`` of a watched model's recording copies all that is there."""
    looks = []

    class Live(Recording):
        @property
        def dataset(self):
            looks.append(1)
            return known.dataset

        @dataset.setter
        def dataset(self, value):
            raise AttributeError

    known = recording()
    live = object.__new__(Live)
    assert assess_recording(live).to_dict() == assess_recording(known).to_dict()
    assert len(looks) == 1


def test_what_the_recorder_noted_is_reported_and_the_rest_is_tested():
    found = assess_recording(recording(statuses={"emb": "sparse", "frozen": "no-gradient"}))
    assert [x.status for x in found.layers] == ["ok", "ok", "sparse", "no-gradient"]
    assert len(found.to_frame()) == 16


def test_constant_coordinates_are_counted_not_hidden(tmp_path):
    x = iid_normal(Shape(32, 6, 64), np.random.default_rng(2))
    x[:, :, 1:] = 0.0
    found = assess_recording(Recording.from_arrays(x, ["a"] * 64))
    (layer,) = found.layers
    assert (layer.coordinates, layer.excluded) == (1, 63)
    assert "1 of 64 coordinates vary" in found.summary()
    found.to_html(tmp_path / "a.html")
    assert "<td>1 of 64</td>" in (tmp_path / "a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("nonfinite(1)", "undecided"),
        ("sparse", "undecided"),
        ("no-gradient(step 3)", "undecided"),
        ("no-gradient", "holds"),
        ("empty", "holds"),
    ],
)
def test_a_model_holds_only_if_what_feeds_it_was_tested(status, verdict):
    """One layer that holds beside one that was not tested; its data are i.i.d. normal, seeded."""
    x = iid_normal(Shape(160, 12, 32), generator(0, "tests", "untested"))
    names = ["good"] * 32
    noted = {"bad": status}
    if status.startswith("nonfinite"):
        x, names, noted = np.concatenate([x, x[:, :, :1]], axis=2), [*names, "bad"], {}
        x[3, 0, 32] = np.nan
    found = assess_recording(Recording.from_arrays(x, names, statuses=noted))
    assert {r.verdict.value for r in found.layers[0].assumptions.values()} == {"holds"}
    for result in found.model.values():
        assert result.verdict.value == verdict
        assert result.details["not tested"] == 1
        assert ("1 of 2 were not tested" in result.reason) == (verdict == "undecided")
    assert f"; 1 of 2 layers not tested ({status})" in found.answer()
    assert ("holds within the bands" in found.answer()) == (verdict == "holds")


def test_exact_zeros_and_ties_raise_no_warning():
    """Dead units: half of all gradients are exactly 0, some steps wholly."""
    rng = np.random.default_rng(3)
    x = iid_normal(Shape(32, 6, 4), rng) * (rng.uniform(size=(32, 6, 4)) < 0.5)
    x[:, 2] = 0.0
    (layer,) = assess_recording(Recording.from_arrays(x, ["a"] * 4)).layers
    assert layer.assumptions["normality"].verdict.value == "violated"
    run = x.transpose(1, 0, 2).reshape(1, -1, 4)
    assert assess_recording(Recording.from_arrays(run, ["a"] * 4)).layers[0].status == "ok"


def test_one_step_cannot_speak_of_steps():
    x = iid_normal(Shape(64, 1, 8), np.random.default_rng(4))
    result = assess_recording(Recording.from_arrays(x, ["a"] * 8, protocol="ensemble"))
    assert result.model["independence"].reason.startswith("cannot: one step")
    assert result.model["normality"].tested


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        (
            {"protocol": "run"},
            InputError,
            r"takes one replica; got 32; choose one with recording.rep",
        ),
        ({"level": 0.7}, DomainError, "level must lie in"),
        ({"protocol": "walk"}, InputError, "protocol must be one of"),
    ],
)
def test_bad_requests_are_refused(kwargs, error, message):
    with pytest.raises(error, match=message):
        assess_recording(recording(), **kwargs)


def test_one_replica_of_an_ensemble_is_a_run():
    one = recording().replica(5)
    assert one.protocol.value == "run"
    with pytest.raises(InputError, match="no replicas to compare"):
        assess_recording(one, protocol="ensemble")


@pytest.mark.parametrize(
    ("recorded", "protocol", "why"),
    [
        ("run", "frozen", "a recording under run holds training steps, not draws"),
        ("ensemble", "frozen", "a recording under ensemble holds training steps, not draws"),
        ("frozen", "run", "a recording under frozen holds draws at fixed parameters, not training"),
        ("frozen", "ensemble", "a recording under frozen has no replicas"),
    ],
)
def test_steps_and_draws_are_not_taken_for_each_other(recorded, protocol, why):
    x = np.random.default_rng(5).standard_normal((1, 200, 2))
    with pytest.raises(InputError, match=f"{why}.*; record one with protocol {protocol}"):
        assess_recording(Recording.from_arrays(x, ["a"] * 2, protocol=recorded), protocol=protocol)


@pytest.mark.parametrize("sampler", ["with-replacement", "unknown", "without-replacement"])
def test_frozen_draws_are_independent_by_construction_only_if_drawn_so(sampler):
    x = np.random.default_rng(6).standard_normal((1, 200, 2))
    recording = Recording.from_arrays(x, ["a"] * 2, protocol="frozen", sampler=sampler)
    found = assess_recording(recording)
    drawn = sampler == "with-replacement"
    for name in ("identical", "independence"):
        reason = found.model[name].reason
        assert ("by construction" in reason) == drawn
        assert ("is not known: the task's batches may not be drawn with" in reason) != drawn
    assert any("How this task draws its batches is not known" in v for v in found.limits) != drawn


def test_the_answer_comes_first_and_names_the_cost(audit):
    first = str(audit).splitlines()[0]
    assert first == audit.answer()
    assert "does not hold" in first
    assert "independence violated" in first
    assert "times the theory's variance" in first
    assert "varlab audit toy --seed 3" in str(audit)


class Outline(HTMLParser):
    """Collects what a browser would run or fetch."""

    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = ("src", "href", "xlink:href")
        self.links += [v for k, v in attrs if k in names and not str(v).startswith("#")]


def test_the_page_is_self_contained_and_escapes_names(audit, tmp_path):
    audit.to_html(tmp_path / "audit.html")
    text = (tmp_path / "audit.html").read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(text)
    assert "script" not in outline.tags
    assert outline.links == []
    assert "@import" not in text
    assert outline.tags.count("svg") == 3
    # On a phone tables and pictures scroll in boxes that a keyboard reaches.
    assert text.count('<div class="scroll" tabindex="0" role="region" aria-label="') == 5
    assert "figure svg { min-width: 40rem;" in text
    assert "logarithmic beyond" in text
    assert "prefers-color-scheme: dark" in text
    assert text.index('class="answer"') < text.index("<h2>")
    assert "What this protocol cannot say" in text
    assert "varlab audit toy --seed 3" in text
    assert "alert(&quot;x&quot;)" in text


def test_the_page_of_an_audit_without_any_tested_layer(tmp_path):
    result = assess_recording(Recording.from_arrays(np.zeros((32, 4, 2)), ["a"] * 2))
    result.to_html(tmp_path / "a.html")
    assert "no layer could be tested" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_bad_input(audit, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot write to"):
        audit.to_html(tmp_path / "file" / "a.html")


@pytest.mark.parametrize("method", ["plot", "plot_log_psi", "plot_budget"])
def test_pictures_draw_on_given_axes(audit, method):
    axes = Figure().add_subplot()
    assert getattr(audit, method)(ax=axes) is axes
    axes.figure.canvas.draw()
    assert all(panel.get_xlabel() for panel in (axes.child_axes or [axes]))


def test_the_forest_has_a_column_an_assumption_and_a_row_a_layer(audit):
    axes = Figure().add_subplot()
    audit.plot(ax=axes)
    axes.figure.canvas.draw()
    assert [panel.get_title() for panel in axes.child_axes] == [a.value for a in audit.model]
    first, *others = axes.child_axes
    nasty, head = (label.get_text() for label in first.get_yticklabels())
    assert ("alert" in nasty, head) == (True, "head")
    assert not any(label.get_text() for panel in others for label in panel.get_yticklabels())


def test_steps_are_whole_numbers_on_the_axis():
    x = iid_normal(Shape(24, 20, 2), np.random.default_rng(8))
    axes = assess_recording(Recording.from_arrays(x, ["a"] * 2)).plot_log_psi(
        ax=Figure().add_subplot()
    )
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_the_path_of_many_layers_names_the_extremes_and_counts_the_rest():
    names = [f"layer{i}" for i in range(20)]
    gradients = np.random.default_rng(0).standard_normal((32, 6, 20))
    # Each layer's first gradient repeats with a weight of its own: the more, the more it varies.
    gradients[:, 1:] += gradients[:, :1] * np.linspace(0, 3, 20)
    audit = assess_recording(Recording.from_arrays(gradients, names))
    axes = audit.plot_log_psi(ax=Figure().add_subplot())
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(labels) == 7
    assert labels[-1] == "14 other layers"
    ends = {x.layer: x.log_psi.measured[-1] / x.log_psi.theory[-1] for x in audit.tested_layers}
    assert labels[0] == max(ends, key=ends.get)
    assert labels[-2] == min(ends, key=ends.get)


@pytest.mark.parametrize(
    ("value", "text"), [(128.4, "130"), (0.0096, "0.0096"), (2.3e7, "2.3e+07"), (np.inf, "-")]
)
def test_numbers_are_written_plainly(value, text):
    assert two_digits(value) == text


@pytest.mark.parametrize("task", TASKS)
def test_shortened_names_tell_the_layers_of_every_task_apart(task):
    model = build(builtin(task), 0).model
    names = [name for name, _ in model.named_parameters()]
    width = name_width(names)
    assert len({short_name(name, width) for name in names}) == len(names)


def test_long_names_keep_both_ends_apart():
    names = [f"blocks.{i}.mixer.attention.self_attn.in_proj_weight" for i in range(2)]
    short = [short_name(name, 36) for name in names]
    assert len(set(short)) == 2
    assert all(len(name) == 36 for name in short)
    assert short_name("head.bias", 36) == "head.bias"


def test_frames(audit):
    assert len(audit.to_frame()) == 8
    assert set(audit.budget_frame().index) == {NASTY, "head"}
    assert len(audit.coordinates_frame()) == 16 * 4


def test_intervals_without_an_end_and_missing_ones_say_so():
    assert interval((0.123, 4.0)) == "[0.12, 4]"
    assert interval((0.5, math.inf)) == "[0.5, inf]"
    assert interval((math.nan, math.nan)) == "(no interval)"
