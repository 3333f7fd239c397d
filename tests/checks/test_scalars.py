"""Numbers out of range are refused with one that is meant, or would do."""

import numpy as np
import pytest

from vifstats.checks import positive_number, proportion, small_number
from vifstats.errors import InvalidInputError


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (90, "but is 90; pass 0.9 for 90 %"),
        (np.float64(97.5), "but is 97.5; pass 0.975 for 97.5 %"),
        (1, "but is 1; pass a share, such as 0.95"),
        (120.0, "but is 120.0; pass a share, such as 0.95"),
        (-0.1, "but is -0.1; pass a share, such as 0.95"),
    ],
)
def test_a_percentage_is_answered_by_its_share(value, remedy):
    with pytest.raises(InvalidInputError, match=f"`level` must be between 0 and 1, {remedy}"):
        proportion(value, "level")


def test_a_tolerance_is_no_percentage():
    with pytest.raises(InvalidInputError, match="`tol` must .* is 5; pass a small number"):
        small_number(5, "tol")


def test_numbers_of_numpy_are_written_as_numbers():
    with pytest.raises(InvalidInputError, match="but is -2.5; pass a number above 0"):
        positive_number(np.float64(-2.5), "width")
