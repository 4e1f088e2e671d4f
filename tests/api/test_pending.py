"""A job with someone waiting for it."""

import asyncio
from pathlib import Path

import pytest
from probe_sandwich.api.messages import Outcome, Subject
from probe_sandwich.api.pending import HashedUpload, Pending, Unfinished
from probe_sandwich.options import Options


def test_an_outcome_that_a_worker_tells_twice_counts_once() -> None:
    async def told() -> list[Outcome]:
        pending = Pending([], Options(), "", lambda stage: None)
        pending.outcomes += [Outcome(index=index, diagnosis=text) for index, text in ((1, "b"), (0, "a"), (0, "c"))]
        pending.settle()
        return await pending.result

    assert [outcome.diagnosis for outcome in asyncio.run(told())] == ["a", "b"]


def test_only_one_file_can_be_blamed() -> None:
    def blamed(*hashes: str) -> str | None:
        async def made() -> str | None:
            uploads = [HashedUpload(Subject(checkpoint=Path(sha256)), sha256) for sha256 in hashes]
            return Pending(uploads, Options(), "", lambda stage: None).only_hash

        return asyncio.run(made())

    assert blamed("a") == blamed("a", "a") == "a"
    assert blamed("a", "b") is None


def test_a_job_that_did_not_end_hands_over_what_it_had() -> None:
    async def told() -> None:
        pending = Pending([], Options(), "", lambda stage: None)
        pending.outcomes.append(Outcome(index=0, diagnosis="a"))
        pending.settle(Unfinished("deadline-exceeded", 422, "too long"))
        pending.settle()
        await pending.result

    with pytest.raises(Unfinished) as unfinished:
        asyncio.run(told())
    assert [outcome.diagnosis for outcome in unfinished.value.outcomes] == ["a"]
