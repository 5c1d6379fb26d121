"""Right RAdams conform, whatever their dialect, and the dialect is named."""

import functools

import pytest
import torch
from dialects import DIALECTS
from textbook import Textbook

from varlab.optim.conformance import Grade, conform


@pytest.mark.parametrize("factory", DIALECTS, ids=lambda f: f.__name__)
def test_a_dialect_conforms_and_is_named(factory):
    attributes, sentence = DIALECTS[factory]
    result = conform(factory)
    assert result.verdict == "conforms", str(result)
    assert {name: getattr(result, name) for name in attributes} == attributes
    assert any(sentence in f.sentence for f in result.findings)


@pytest.mark.parametrize("options", [{"foreach": False}, {"foreach": True}])
def test_torch_conforms(options):
    result = conform(functools.partial(torch.optim.RAdam, **options), name="torch.optim:RAdam")
    assert result.verdict == "conforms", str(result)
    assert (result.threshold, result.early_phase, result.shift) == (5, "momentum", 0)
    assert (result.weight_decay, result.eps_placement) == ("l2", "sqrt(v) + eps")
    assert result.first_adaptive_step[0.61] is None
    assert result.first_adaptive_step[0.9999] == 6


def test_torch_foreach_is_nan_in_the_momentum_phase_too():
    # its foreach form divides by zero before the branch is chosen
    found = {}
    for foreach in (False, True):
        result = conform(functools.partial(torch.optim.RAdam, foreach=foreach))
        found[foreach] = next(f.sentence for f in result.findings if "NaN" in f.sentence)
    assert "from step 6 on" in found[False]
    assert "from step 1 on" in found[True]


def test_varlab_conforms():
    optim = pytest.importorskip("varlab.optim")
    result = conform(optim.RAdam, name="varlab.optim:RAdam")
    assert result.verdict == "conforms", str(result)
    assert result.threshold == 4
    assert max(e for e in result.max_relative_error.values() if e is not None) < 1e-9


def test_a_wrapper_that_passes_everything_on_is_seen_through():
    def factory(params, **hyper):
        return Textbook(params, **hyper)

    assert conform(factory).verdict == "conforms"


def test_fixed_betas_are_read_from_the_groups():
    def factory(params, lr):
        return Textbook(params, lr=lr, betas=(0.8, 0.99))

    result = conform(factory)
    assert result.verdict == "conforms", str(result)


def test_an_object_that_only_looks_like_an_optimiser_is_enough():
    class Duck:
        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
            self.inner = Textbook(params, lr=lr, betas=betas, eps=eps)
            self.param_groups = self.inner.param_groups
            self.step = self.inner.step
            self.add_param_group = self.inner.add_param_group

    assert conform(Duck).verdict == "conforms"


def test_the_verdict_does_not_hang_on_the_seed():
    for seed in (1, 2, 3):
        assert conform(Textbook, seed=seed).verdict == "conforms"


def test_compiling_moves_rho_into_float32():
    from varlab.optim.conformance import why_not_compiled

    if reason := why_not_compiled():
        pytest.skip(reason)
    result = conform(torch.optim.RAdam, name="torch.optim:RAdam", compiled=True)
    assert result.target == "torch.optim:RAdam (compiled)"
    assert result.verdict == "conforms-float32", str(result)
    # 0.6% at 0.999, and wrong outright at 0.9999
    assert 1e-3 < result.max_relative_error[0.999] < 2e-2
    assert result.max_relative_error[0.9999] > 0.1
    assert result.findings[0].grade is Grade.NOTE
