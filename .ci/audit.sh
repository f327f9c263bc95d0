#!/bin/sh
# Looks through the code for what must not be in it: `make audit`.
# semgrep pins many packages, so its tools live in .cache/audit, apart from the project's own. Where
# they cannot be fetched it says so and does nothing: what is looked for is the code, not the network.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'anabranch: %s\n' "$*" >&2; }

requirements=.ci/requirements/audit.txt
tools=.cache/audit
sign=$(cksum <"$requirements")

if [ "$(cat "$tools/.ok" 2>/dev/null)" != "$sign" ]; then
  say "fetching the tools of the audit ..."
  mkdir -p .cache
  if ! { .venv/bin/python -m venv --clear "$tools" &&
    "$tools/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$requirements"; }; then
    say "skipped: the tools of the audit cannot be fetched"
    exit 0
  fi
  printf '%s\n' "$sign" >"$tools/.ok"
fi

export SEMGREP_SEND_METRICS=off SEMGREP_ENABLE_VERSION_CHECK=0
PATH=$PWD/$tools/bin:$PATH
out=$(semgrep scan --metrics=off --test .ci/semgrep/ 2>&1) || { printf '%s\n' "$out"; exit 1; }
semgrep scan --metrics=off --error --quiet --config .ci/semgrep/rules.yml runner workflows templates
bandit -q -c pyproject.toml -r runner workflows
say "audit: nothing found"
