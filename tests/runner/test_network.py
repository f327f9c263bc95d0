"""What an operator says about the network, as it stands in the environment."""

import pytest

from runner.errors import RunnerError
from runner.execution.network import Network, network_in


def test_without_settings_nothing_inside_is_reached():
    assert network_in({}) == Network()
    assert not Network().lists("localhost", 80)


@pytest.mark.parametrize("host", ["llm.lan", "LLM.lan", "llm.lan."])
def test_a_host_is_listed_with_its_port(host):
    network = network_in({"ANABRANCH_INTERNAL_HOSTS": "LLM.lan:11434, [::1]:8080"})

    assert network.lists(host, 11434)
    assert network.lists("::1", 8080)
    assert not network.lists(host, 80)
    assert not network.lists("other.lan", 11434)


@pytest.mark.parametrize(
    "text",
    ["llm.lan", "llm.lan:", "llm.lan:0", "llm.lan:65536", ":80", "*:80", "http://a:80", "a:b"],
)
def test_what_is_no_host_with_its_port_is_refused_with_an_example(text):
    with pytest.raises(RunnerError, match=r"such as llm\.lan:11434"):
        network_in({"ANABRANCH_INTERNAL_HOSTS": text})


@pytest.mark.parametrize(
    ("name", "field", "least", "most"),
    [
        ("ANABRANCH_HTTP_BYTES", "value_bytes", 1, 1 << 30),
        ("ANABRANCH_HTTP_FILE_BYTES", "file_bytes", 1, 1 << 40),
        ("ANABRANCH_HTTP_HEADER_BYTES", "header_bytes", 1, 96 << 10),
        ("ANABRANCH_HTTP_SECONDS", "seconds", 1, 86_400),
        ("ANABRANCH_HTTP_REDIRECTS", "redirects", 0, 20),
        ("ANABRANCH_EMAIL_RECIPIENTS", "mail_recipients", 1, 1000),
        ("ANABRANCH_EMAIL_BYTES", "mail_bytes", 1, 1 << 30),
    ],
)
def test_every_limit_is_a_setting_with_bounds(name, field, least, most):
    """Trust S16."""
    for number in (least, most):
        assert getattr(network_in({name: str(number)}), field) == number
    for text in (str(least - 1), str(most + 1), "1.5", "much"):
        with pytest.raises(RunnerError, match=f"{name} must be a whole number, {least} to {most}"):
            network_in({name: text})
