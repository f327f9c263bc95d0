"""Secrets: what gives their text, and who may ask for it."""

import copy
import json
import pickle

import pytest

from runner.errors import ExpiredCredential, MissingCredential, RunnerError
from runner.execution.masking import MASK, Masker
from runner.execution.secrets import (
    Auth,
    MemoryCredentials,
    NoCredentials,
    Secret,
)
from runner.graph.needs import Need
from runner.graph.ports import Port

TEXT = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
NEED = Need("github", hosts=("api.github.com",), scopes=("repo",))


def secret_of():
    return Secret("github", TEXT, ["api.github.com"])


def auth_of(credentials=None, masker=None):
    kept = MemoryCredentials({("alice", "github"): TEXT}) if credentials is None else credentials
    return Auth("alice", (NEED,), kept, masker or Masker())


@pytest.mark.parametrize("show", [repr, str, "{:>40}".format, "%s".__mod__])
def test_no_text_form_of_a_secret_shows_it(show):
    """Engine 6.6."""
    assert TEXT not in show(secret_of())
    assert "Secret(github)" in show(secret_of())


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, json.dumps, vars])
def test_a_secret_is_neither_copied_nor_written(take):
    """Engine 6.6."""
    with pytest.raises(TypeError) as refused:
        take(secret_of())
    assert TEXT not in str(refused.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol):
    """Engine 2.2."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret_of(), protocol)


@pytest.mark.parametrize("kind", [str, object, dict, bytes])
def test_no_port_takes_a_secret(kind):
    """Engine 2.3."""
    with pytest.raises(RunnerError) as refused:
        Port(name="result", type=kind).encode({"key": secret_of()} if kind is dict else secret_of())
    assert TEXT not in str(refused.value)


def test_a_secret_equals_only_itself():
    one = same = secret_of()

    assert one == same
    assert one != secret_of()
    assert hash(one) != hash(TEXT)
    assert one != TEXT


@pytest.mark.parametrize("host", ["api.github.com", "API.GitHub.com", "api.github.com."])
def test_a_secret_is_revealed_for_its_host(host):
    assert secret_of().reveal(host) == TEXT


@pytest.mark.parametrize("host", ["github.com", "evil.api.github.com", "api.github.com:80", ""])
def test_a_secret_is_revealed_for_no_other_host(host):
    """Engine 6.6."""
    with pytest.raises(RunnerError, match=r"is for api\.github\.com, not for"):
        secret_of().reveal(host)


def test_a_secret_without_hosts_is_never_revealed():
    with pytest.raises(RunnerError, match="is for no host"):
        Secret("github", TEXT, ()).reveal("api.github.com")


def test_the_hosts_of_a_secret_cannot_be_changed():
    with pytest.raises(AttributeError):
        secret_of().hosts = ("evil.example",)


async def test_a_task_gets_a_declared_credential_of_the_starter():
    """Engine 6.6."""
    auth = auth_of()

    found = await auth.secret("github")

    assert (auth.identity, found.reveal("api.github.com")) == ("alice", TEXT)


async def test_a_credential_that_was_not_declared_is_refused_with_the_fix():
    """Engine 6.6."""
    with pytest.raises(RunnerError, match=r"add Need\('slack', hosts=\(…,\)\) to the needs"):
        await auth_of().secret("slack")


async def test_a_handed_out_secret_is_masked_from_then_on():
    """Engine 2.3."""
    masker = Masker()
    await auth_of(masker=masker).secret("github")

    assert masker.mask(f"token {TEXT}!") == f"token {MASK}!"


@pytest.mark.parametrize("credentials", [NoCredentials(), MemoryCredentials()])
async def test_a_credential_that_nobody_added_is_missing(credentials):
    """Engine 6.6."""
    with pytest.raises(MissingCredential, match="'github' is missing; add it") as missing:
        await auth_of(credentials).secret("github")
    assert missing.value.name == "github"


async def test_an_expired_credential_serves_again_once_it_is_renewed():
    """Engine 6.6."""
    kept = MemoryCredentials({("alice", "github"): TEXT})
    kept.expire("alice", "github")
    with pytest.raises(ExpiredCredential, match="'github' has expired; renew it"):
        await auth_of(kept).secret("github")

    kept.renew("alice", "github", "another-text")

    assert (await auth_of(kept).secret("github")).reveal("api.github.com") == "another-text"
