"""Options that several commands share."""

import pytest

from tests.cli.commands import invoked, words


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("classify", "x", "--noise-draws", "0"), "--noise-draws': Input should be greater than or equal to 1"),
        (("classify", "x", "--noise-draws", "65"), "less than or equal to 64"),
        (("classify", "x", "--seed", "-3"), "greater than or equal to 0"),
        (("classify", "x", "--seed", "4294967296"), "less than or equal to 4294967295"),
        (("classify", "x", "--formulas-per-length", "5"), "greater than or equal to 10"),
        (("formulas", "sample", "--seed", "-3"), "greater than or equal to 0"),
        (("zoo", "build", "nowhere", "--seed", "-3"), "greater than or equal to 0"),
        (("zoo", "build", "nowhere", "--workers", "0"), "greater than or equal to 1"),
        (("zoo", "build", "nowhere", "--device", "tpu"), "'tpu' is not one of 'cpu', 'cuda'"),
    ],
)
def test_an_option_out_of_bounds_is_a_usage_error_that_says_the_bounds(arguments: tuple[str, ...], says: str) -> None:
    done = invoked(*arguments)
    assert done.exit_code == 2
    assert says in words(done.output)
