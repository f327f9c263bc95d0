"""What is loaded when: the HTTP client costs a tenth of a second, and most processes need none."""

import subprocess
import sys


def test_knowing_the_tasks_loads_no_client_for_them():
    code = (
        "import sys; from runner.graph.registry import default_registry; "
        "registry = default_registry(); "
        "[registry.get(name)() for name in ('http.request', 'llm.chat', 'email.send')]; "
        "print(sorted({'httpx2', 'httpcore2', 'anyio', 'smtplib', 'wordllama'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
