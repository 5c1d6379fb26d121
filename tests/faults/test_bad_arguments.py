"""Every public function, every bad argument: one line that names the value, the domain, the remedy."""

import numpy as np
import pytest
import rows_audit
import rows_numerics
import rows_optim
import rows_simulate

from varlab.core import InputError

ROWS = [*rows_numerics.ROWS, *rows_simulate.ROWS, *rows_audit.ROWS, *rows_optim.ROWS]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
def test_a_bad_argument_is_answered_in_one_line(row):
    with pytest.raises(row.error or InputError) as caught:
        row.call()
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 250
    if row.line.endswith("..."):
        assert line.startswith(row.line[:-3])
    else:
        assert line == row.line


def test_the_table_reaches_every_public_name():
    """A new public function or optimiser must be given its rows; a gradient process has them."""
    import varlab.optim
    import varlab.simulate

    named = " ".join(row.what for row in ROWS)
    optimisers = [n for n in varlab.optim.__all__ if n in vars(rows_optim)]
    processes = [k.__name__ for k in varlab.simulate.LAWS.values()]
    called = ["simulate", "watch", "assess", "verify", "load", "conform", "calibrate", "Task"]
    missing = [name for name in (*optimisers, *processes, *called) if f"{name}(" not in named]
    assert missing == []


def test_numpys_numbers_are_numbers():
    """Refusing by type must not refuse what is a whole or a real number."""
    from varlab.core import generator
    from varlab.simulate import Normal, simulate

    given = {
        "steps": np.int64(3),
        "trajectories": np.int32(50),
        "seed": np.uint8(2),
        "threads": np.int16(1),
    }
    ours = simulate(Normal(np.float32(0.5)), beta2=np.array([0.5, 0.75]), device="cpu", **given)
    plain = simulate(
        Normal(0.5), beta2=[0.5, 0.75], device="cpu", steps=3, trajectories=50, seed=2, threads=1
    )
    assert ours.request == plain.request
    assert np.array_equal(ours.dataset["psi_mean"], plain.dataset["psi_mean"])
    one = simulate(Normal(), beta2=np.array(0.5), device="cpu", **given)
    assert one.request.settings[0].beta2 == 0.5
    assert generator(np.int64(5)).random() == generator(5).random()
