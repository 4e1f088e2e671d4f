"""Whose turn it is."""

from probe_sandwich.api.queue import FairQueue


def every(item: str) -> bool:
    return True


def test_whose_jobs_cost_least_goes_first() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4):
        queue.put("greedy", f"greedy {number}")
    queue.put("modest", "modest 0")
    assert queue.pop() == "greedy 0"
    queue.charge("greedy", 60)
    order = []
    for number in range(1, 4):
        order.append(queue.pop())
        queue.charge("modest", 1)
        queue.put("modest", f"modest {number}")
    assert order == ["modest 0", "modest 1", "modest 2"]
    assert len(queue._due) == 2


def test_who_has_cost_less_than_the_running_client_goes_before_it() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.charge("running", 1)
    queue.put("other", "one")
    queue.put("other", "two")
    assert queue.pop_before("running", every) == "one"
    queue.charge("other", 2)
    assert queue.pop_before("running", every) is None
    queue.charge("running", 2)
    assert queue.pop_before("running", every) == "two"


def test_what_does_not_suit_is_passed_over_and_keeps_its_place() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.charge("running", 1)
    for item in ("long", "brief"):
        queue.put("other", item)
    assert queue.pop_before("running", lambda item: item != "long") == "brief"
    assert queue.pop_before("running", lambda item: item != "long") is None
    assert queue.pop() == "long"


def test_nobody_can_save_up_turns_while_another_runs_alone() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(60):
        queue.pass_on("running")
        queue.charge("running", 1)
    queue.put("late", "one")
    queue.put("late", "two")
    assert queue.pop_before("running", every) == "one"
    queue.charge("late", 2)
    assert queue.pop_before("running", every) is None, "it came just now, and has had more than the other since"


def test_what_is_put_first_is_the_next_of_its_client() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("one", "second")
    queue.put("one", "first", first=True)
    assert [queue.pop(), queue.pop(), queue.empty()] == ["first", "second", True]
