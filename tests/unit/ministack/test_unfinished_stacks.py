"""DescribeStacks of a stack that is changing is answered when it has changed, or after a moment."""

import asyncio
from typing import Any

import pytest

from localaws import patience
from localaws.ministack.cloudformation import unfinished_stacks

ONE = b"Action=DescribeStacks&StackName=one"


class Stacks:
    """Answers one status after the other; the last one for ever."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.asked = 0

    async def handle_request(self, *_: Any) -> unfinished_stacks.Answer:
        self.asked += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return 200, {}, f"<StackStatus>{status}</StackStatus>".encode()


def described(stacks: Stacks, body: bytes = ONE) -> str:
    handle = unfinished_stacks.waiting_for(stacks.handle_request)
    _, _, answer = asyncio.run(handle("POST", "/", {}, body, {}))
    return str(answer.decode())


def test_a_stack_that_changes_is_told_once_it_has_changed() -> None:
    stacks = Stacks("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert "CREATE_COMPLETE" in described(stacks)


def test_one_that_takes_longer_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WAIT_SECONDS", 0.1)
    assert "UPDATE_IN_PROGRESS" in described(Stacks("UPDATE_IN_PROGRESS"))


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_one_that_nothing_happens_to_is_told_at_once(status: str) -> None:
    stacks = Stacks(status)
    described(stacks)
    assert stacks.asked == 1


@pytest.mark.parametrize("body", [b"Action=DescribeStacks", b"Action=ListStacks&StackName=one"])
def test_other_questions_wait_for_nothing(body: bytes) -> None:
    stacks = Stacks("CREATE_IN_PROGRESS")
    described(stacks, body)
    assert stacks.asked == 1
