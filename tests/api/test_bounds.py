"""What one client may hold, and who is one."""

import pytest
from probe_sandwich.api.bounds import Bound, client_of
from probe_sandwich.api.problems import Problem


def test_a_bound_says_which_it_is() -> None:
    bound = Bound("queue-full", "requests are running or waiting", 4, 0.5, 2)
    bound.take("a", 2)
    with pytest.raises(Problem, match="your address alone, which may have 2"):
        bound.take("a")
    bound.take("b", 2)
    with pytest.raises(Problem, match="4 of 4 requests are running or waiting") as full:
        bound.take("c")
    assert (full.value.slug, full.value.headers) == ("queue-full", {"Retry-After": "2"})
    bound.give("a", 2)
    bound.take("c")
    assert set(bound.held) == {"b", "c"}


def test_the_largest_upload_fits_whatever_the_bounds() -> None:
    bound = Bound("spool-full", "bytes of uploads are kept", 10, 0.5, 2, least=100)
    bound.take("a", 100)
    with pytest.raises(Problem, match="100 of 100 bytes"):
        bound.take("b", 1)


def test_a_host_is_one_client_whatever_its_ipv6_address() -> None:
    one, other, third = (client_of({"client": (host, 1)}) for host in ("2001:db8::1", "2001:db8::2", "2001:db9::1"))
    assert one == other != third
