"""The network and mail, as a body in a thread is lent them."""

from typing import Any

from runner import TaskRunner, task
from runner.execution.host import Host
from runner.execution.mail import Mail, address_in
from runner.execution.network import Network


class Kept:
    """A mailer that keeps what it is given."""

    def __init__(self):
        self.mails = []

    async def send(self, mail):
        self.mails.append(mail)
        return "<1@example.org>"


@task(name="test.tell")
def tell(context: Any) -> dict[str, Any]:
    """Say what may be reached, and send a mail."""
    mail = Mail(alias="default", to=(address_in("a@example.org"),), subject="s", text="t", key="k")
    return {"redirects": context.network.redirects, "id": context.send_mail(mail)}


async def test_a_body_in_a_thread_reaches_the_same_network_and_mailer():
    mailer = Kept()
    host = Host(network=Network(redirects=2), mailer=mailer)
    outputs = await TaskRunner(host=host).run(tell, {})
    assert outputs == {"result": {"redirects": 2, "id": "<1@example.org>"}}
    assert [str(*mail.to) for mail in mailer.mails] == ["a@example.org"]
