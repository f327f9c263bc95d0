"""Which errors a policy tries again: by name, with all that is derived from them."""

import pytest

from runner.errors import InputsError
from runner.execution.body import error_of
from runner.graph.policy import Retry
from runner.run.policies import retry_delay


class NoAnswer(ConnectionError):
    """What a client raises."""


NO_ANSWER = error_of(NoAnswer("nobody there"), "one", 1)
NO_FIT = error_of(InputsError({}), "one", 1)


@pytest.mark.parametrize(("errors", "retried"), [
    (("NoAnswer",), True), (("ConnectionError",), True), (("OSError", "KeyError"), True),
    (("Exception",), True), (("TimeoutError",), False), (("BaseException",), False),
])  # fmt: skip
def test_what_is_derived_from_a_named_error_is_tried_again_with_it(errors, retried):
    """Engine 5.5."""
    retry = Retry(attempts=2, errors=errors)
    assert (retry_delay(retry, 0, NO_ANSWER, chance=1) is not None) is retried


@pytest.mark.parametrize("errors", [(), ("InputsError",), ("Exception",)])
def test_what_is_derived_from_an_error_that_is_never_tried_again_is_not_either(errors):
    """Engine 5.5: inputs that do not fit are a definition that does not."""
    assert retry_delay(Retry(attempts=2, errors=errors), 0, NO_FIT, chance=1) is None
