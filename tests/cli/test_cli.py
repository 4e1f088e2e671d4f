"""The command line as a whole."""

from tests.cli.commands import invoked


def test_the_version_is_told() -> None:
    assert invoked("--version").stdout.startswith("probe-sandwich 0.")
