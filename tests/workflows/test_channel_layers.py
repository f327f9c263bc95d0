"""Which channel layer the settings lead to, and what is said of one that cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from workflows import channel_layers
from workflows.channel_layers import layer_in

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_url_it_is_in_memory():
    assert layer_in("")["BACKEND"].endswith("InMemoryChannelLayer")


@pytest.mark.parametrize(
    "url",
    ["redis://localhost", "rediss://:sekret@redis.example:6380/2", "unix:///run/redis.sock"],
)
def test_a_url_names_a_server(url):
    pytest.importorskip("channels_redis")
    layer = layer_in(url)
    assert layer["BACKEND"].endswith("RedisPubSubChannelLayer")
    assert layer["CONFIG"]["hosts"][0]["address"] == url


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://:sekret@localhost",
        "redis://",
        "redis://:sekret@localhost:port",
        "redis://:sekret@localhost:99999",
        "redis://:sekret@localhost/rivers",
        "unix://",
    ],
)
def test_a_bad_url_is_refused_in_one_sentence_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL[^\n]*\.$") as refused:
        layer_in(url)
    assert "sekret" not in str(refused.value)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(channel_layers, "find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match=r"channels-redis.*bootstrap\.sh server"):
        layer_in("redis://localhost")


@pytest.mark.slow
def test_a_server_with_a_bad_url_says_one_sentence_and_ends(tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={"ANABRANCH_DATA": str(tmp_path), "PORT": "0", "REDIS_URL": "nonsense"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: REDIS_URL")
    assert ended.stderr.count("\n") == 1
