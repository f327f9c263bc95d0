"""Lines of the log: for people or for machines, and without the tokens that tasks were lent."""

import json
import logging
import subprocess
import sys
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured

from workflows import known_tokens
from workflows.known_tokens import MaskedOutput, masked, remember
from workflows.log_lines import JsonLine, Line, format_in

TOKEN = 'delta/"of"+a=river'


@pytest.fixture(autouse=True)
def forgets(monkeypatch):
    monkeypatch.setattr(known_tokens, "_maskers", [])
    monkeypatch.setattr(known_tokens, "_texts", set())


def record(message, *words, trace=False, **about):
    fault = ValueError(message % words)
    raised = (ValueError, fault, None) if trace else None
    made = logging.LogRecord("runner.probe", logging.WARNING, "", 1, message, words, raised)
    made.__dict__ |= about
    return made


@pytest.mark.parametrize("formatter", [Line("%(levelname)s %(message)s"), JsonLine()])
@pytest.mark.parametrize("trace", [False, True])
def test_no_line_holds_a_token_that_was_lent(formatter, trace):
    before = formatter.format(record("it is %s", TOKEN, trace=trace))
    assert "river" in before
    remember(TOKEN)
    after = formatter.format(record("it is %s", TOKEN, trace=trace))
    assert "river" not in after
    assert "•••" in after


def test_a_line_for_machines_is_one_object_that_says_what_it_is_about():
    text = JsonLine().format(record("two\nlines", trace=True, run="4711", path="a/b"))
    assert "\n" not in text
    said = json.loads(text)
    assert said["at"].endswith("+00:00")
    assert (said["level"], said["logger"], said["message"]) == (
        "WARNING",
        "runner.probe",
        "two\nlines",
    )
    assert (said["run"], said["path"]) == ("4711", "a/b")
    assert "ValueError: two" in said["trace"]


def test_what_is_printed_holds_none_either():
    remember(TOKEN)
    stream = StringIO()
    print("it is", TOKEN, file=MaskedOutput(stream))
    assert stream.getvalue() == "it is •••\n"


def test_a_process_that_was_lent_too_many_learns_the_new_ones(monkeypatch):
    monkeypatch.setattr(known_tokens, "MOST", 2)
    for token in ("token-one", "token-two", "token-three"):
        remember(token)
    assert masked("token-one token-three") == "token-one •••"


@pytest.mark.parametrize("text", ["", "xml"])
def test_another_format_is_refused_with_those_there_are(text):
    with pytest.raises(ImproperlyConfigured, match="must be line or json"):
        format_in(text)


def test_a_server_that_is_told_to_writes_json(tmp_path):
    code = "import logging; logging.getLogger('workflows').warning('a %s', 'word')"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        env={"ANABRANCH_DATA": str(tmp_path), "ANABRANCH_LOG_FORMAT": "json", "PATH": ""},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stderr)["message"] == "a word"
