"""What JSON cannot hold becomes null, in every file that varlab writes."""

import json
import math

import numpy as np
import pytest

from varlab.core.json_numbers import json_number


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_json_cannot_hold_is_null(value):
    assert json_number(value) is None


@pytest.mark.parametrize("value", [0, -1.5, np.float64(2.25), np.array(3.0), np.int64(7)])
def test_other_numbers_are_kept(value):
    assert json.loads(json.dumps(json_number(value), allow_nan=False)) == float(value)
