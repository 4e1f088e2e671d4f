"""Which files are refused for a while."""

from probe_sandwich.api.quarantine import Quarantine


def test_quarantine_ends_and_forgives_and_forgets() -> None:
    now = [0.0]
    quarantine = Quarantine(600, lambda: now[0])
    quarantine.blame("a")
    assert quarantine.refusal("a") is None
    quarantine.blame("a")
    assert quarantine.refusal("a") is not None
    now[0] = 601
    assert quarantine.refusal("a") is None
    quarantine.blame("b")
    quarantine.forgive("b")
    quarantine.blame("b")
    assert quarantine.refusal("b") is None
    for number in range(3000):
        quarantine.blame(str(number))
    assert len(quarantine._records) == 1000
