"""Named streams do not depend on each other."""

import numpy as np
import pytest
import sympy.core.random

from varlab.core import Claim, ClaimKind, DomainError, Finding, generator, symbolic


def test_a_stream_depends_on_seed_and_name_alone():
    first = generator(3, "claims", "a").standard_normal(4)
    generator(3, "claims", "b").standard_normal(100)
    np.testing.assert_array_equal(first, generator(3, "claims", "a").standard_normal(4))


@pytest.mark.parametrize("other", [(4, "claims", "a"), (3, "claims", "b"), (3, "claims", "a", 0)])
def test_other_names_give_other_streams(other):
    here = generator(3, "claims", "a").standard_normal(4)
    assert not np.array_equal(here, generator(*other).standard_normal(4))


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_bad_seeds_are_named(seed):
    with pytest.raises(DomainError, match="seed must be an integer >= 0; got"):
        generator(seed)


def test_each_check_of_a_claim_starts_sympys_generator_anew():
    drawn = []

    def draws(formula, context):
        drawn.append(sympy.core.random.random())
        return Finding.supports("drawn")

    claim = Claim("a.b.c", "V", "any", ClaimKind.EXACT, "all", None, (symbolic(draws),) * 2)
    sympy.core.random.seed(1)
    claim.decide()
    sympy.core.random.seed(2)
    claim.decide()
    assert len(drawn) == 4
    assert len(set(drawn)) == 1
