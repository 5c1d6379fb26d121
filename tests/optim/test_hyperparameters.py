"""Bad hyper-parameters: one line each, naming value, domain and remedy."""

import inspect

import pytest
import torch

from varlab.core import DomainError, InputError
from varlab.optim import (
    LAMB,
    SGD,
    Adagrad,
    Adam,
    Adam2k,
    AdamEps,
    AdamW,
    Algorithm1,
    RAdam,
    RMSprop,
    pairs,
)

ALL = [SGD, Adagrad, RMSprop, Adam, AdamW, LAMB, RAdam, Adam2k, AdamEps]
NAN = float("nan")
RATE = "lr must be a finite number >= 0; got {}; 1e-3 is the usual choice"


def parameter():
    return torch.zeros(3, requires_grad=True)


def literal(params, **options):
    return Algorithm1(params, pairs.adam(), **options)


@pytest.mark.parametrize("method", [*ALL, literal], ids=lambda m: m.__name__)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": NAN}, RATE.format("nan")),
        ({"lr": float("inf")}, RATE.format("inf")),
        ({"lr": -0.1}, RATE.format("-0.1")),
        ({"lr": "fast"}, RATE.format("'fast'")),
        ({"lr": True}, RATE.format("True")),
        (
            {"weight_decay": -1e-2},
            "weight_decay must be a finite number >= 0; got -0.01; 0 switches it off",
        ),
    ],
)
def test_bad_value_for_any_method(method, options, message):
    with pytest.raises(DomainError) as caught:
        method([parameter()], **options)
    assert str(caught.value) == message


BETA = "beta{} must lie in [0, 1); got {}; {} is the usual choice"
EPS = "eps must be a finite number >= 0; got {}; 1e-8 is the usual choice"


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        *(
            (method, options, message)
            for method in (Adam, AdamW, LAMB, RAdam, Adam2k, AdamEps)
            for options, message in (
                ({"betas": (0.9, 1.0)}, BETA.format(2, 1.0, 0.999)),
                ({"betas": (1.0, 0.9)}, BETA.format(1, 1.0, 0.9)),
                ({"betas": (0.9, NAN)}, BETA.format(2, "nan", 0.999)),
                ({"betas": 0.9}, "betas must be a pair (beta1, beta2); got 0.9; use (0.9, 0.999)"),
                ({"eps": -1e-8}, EPS.format("-1e-08")),
                ({"eps": NAN}, EPS.format("nan")),
            )
        ),
        (
            SGD,
            {"momentum": -1.0},
            "momentum must be a finite number >= 0; got -1.0; 0 switches it off",
        ),
        (RMSprop, {"alpha": 1.0}, "alpha must lie in [0, 1); got 1.0; 0.99 is the usual choice"),
        (Adagrad, {"eps": -1.0}, EPS.format(-1.0)),
        (
            RAdam,
            {"threshold": 3.0},
            "threshold must be a finite number >= 4; got 3.0; r_t does not exist below; "
            "4 is the paper's, 5 the authors' code's",
        ),
        (
            RAdam,
            {"rectify": "exact", "threshold": 5.0},
            "threshold must be left at 4 with rectify='exact'; got 5.0; "
            "the exact factor exists from t = 3, whatever rho_t",
        ),
        (RAdam, {"rectify": "kish"}, "rectify must be 'radam' or 'exact'; got 'kish'"),
        (RAdam, {"early": "sgd"}, "early must be 'momentum' or 'none'; got 'sgd'"),
        (
            Adam2k,
            {"frozen_steps": -1},
            "frozen_steps must be an integer >= 0; got -1; the paper's is 2000",
        ),
        (
            LAMB,
            {"clip": (2.0, 1.0)},
            "clip must be None or a pair 0 <= gamma_l <= gamma_u; got (2.0, 1.0); "
            "(0, 10) is the usual choice",
        ),
    ],
)
def test_bad_value(method, options, message):
    with pytest.raises(DomainError) as caught:
        method([parameter()], **options)
    assert str(caught.value) == message
    # The same value in a group of its own is caught as well, which torch does not do.
    with pytest.raises(DomainError) as caught:
        method([{"params": [parameter()], **options}])
    assert str(caught.value) == message


@pytest.mark.parametrize("method", [*ALL, literal], ids=lambda m: m.__name__)
@pytest.mark.parametrize("empty", [[], (), iter([])], ids=["list", "tuple", "iterator"])
def test_empty_parameter_list(method, empty):
    with pytest.raises(InputError) as caught:
        method(empty)
    assert str(caught.value) == (
        "params must hold at least one parameter; got an empty list; pass model.parameters()"
    )


@pytest.mark.parametrize("method", ALL, ids=lambda m: m.__name__)
def test_unknown_option_raises(method):
    with pytest.raises(TypeError, match="nonsense"):
        method([parameter()], nonsense=1)


@pytest.mark.parametrize("method", [RAdam, LAMB, Adam2k, AdamEps], ids=lambda m: m.__name__)
@pytest.mark.parametrize("option", ["amsgrad", "capturable", "differentiable"])
def test_option_of_adam_that_a_step_number_excludes(method, option):
    with pytest.raises(DomainError, match=f"{option} must be False for {method.__name__}"):
        method([{"params": [parameter()], option: True}])


@pytest.mark.parametrize("method", [Adam, AdamW, LAMB, RAdam, Adam2k, AdamEps, RMSprop, literal])
def test_sparse_gradients_are_refused(method):
    table = torch.nn.Embedding(5, 2, sparse=True)
    optimizer = method(table.parameters())
    table(torch.tensor([1, 3])).sum().backward()
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step()


@pytest.mark.parametrize("method", [SGD, Adagrad])
def test_sparse_gradients_work_where_torch_has_them(method):
    table = torch.nn.Embedding(5, 2, sparse=True)
    before = table.weight.detach().clone()
    optimizer = method(table.parameters(), lr=0.1)
    table(torch.tensor([1, 3])).sum().backward()
    optimizer.step()
    moved = (table.weight.detach() != before).any(1)
    assert moved.tolist() == [False, True, False, True, False]


def test_generators_tensors_and_named_parameters_are_read_as_torch_reads_them():
    model = torch.nn.Linear(2, 2)
    assert len(RAdam(model.parameters()).param_groups[0]["params"]) == 2
    assert len(RAdam(list(model.named_parameters())).param_groups[0]["params"]) == 2
    for method in ALL:
        with pytest.raises(TypeError, match="iterable"):
            method(model.weight)


@pytest.mark.parametrize("method", [SGD, Adagrad, RMSprop, Adam, AdamW])
def test_signature_is_torchs(method):
    assert inspect.signature(method) == inspect.signature(getattr(torch.optim, method.__name__))
