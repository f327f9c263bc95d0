#!/bin/sh
# Makes .venv from hashed requirements:  .ci/bootstrap.sh base|server|dev
# (server adds what PostgreSQL and Redis need, dev adds the tools to that)
# Finds a Python >= 3.12 wherever it hides, uses uv when it runs and pip when not, and says what is
# missing. Does nothing when .venv already holds what the requirements ask for.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'anabranch: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

wanted=${1:-base}
case $wanted in base | server | dev) ;; *) fail "usage: .ci/bootstrap.sh base|server|dev" ;; esac
venv=.venv
stamp=$venv/.ok

# dev contains server, server contains base: a .venv that has ever held more keeps it, so that
# `make run` removes no tools.
held=$(cut -d ' ' -f 1 "$stamp" 2>/dev/null) || held=
case $wanted-$held in base-server | base-dev | server-dev) wanted=$held ;; esac
requirements=.ci/requirements/$wanted.txt
sign="$wanted $(cksum <"$requirements")"

# A version manager's shim may exist and still refuse to start, so every candidate is run.
new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

if new_enough "$venv/bin/python" && [ "$(cat "$stamp" 2>/dev/null)" = "$sign" ]; then exit 0; fi

find_python() {
  versions=${PYENV_ROOT:-$HOME/.pyenv}/versions
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.14 python3 python \
    "$versions"/3.13*/bin/python "$versions"/3.12*/bin/python "$versions"/3.1[4-9]*/bin/python \
    "$HOME"/.local/share/uv/python/cpython-3.1[2-9]*/bin/python3 \
    /opt/homebrew/bin/python3.1[2-9] /usr/local/bin/python3.1[2-9] /opt/python3.1[2-9]/bin/python3; do
    [ -n "$candidate" ] || continue
    if new_enough "$candidate"; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

find_uv() {
  for candidate in "${UV:-}" uv "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv" .cache/uv/bin/uv; do
    [ -n "$candidate" ] || continue
    if "$candidate" --version >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

python=$(find_python) || python=
uv=$(find_uv) || uv=

# Without a new enough Python only uv can help: it can fetch one.
if [ -z "$python" ] && [ -z "$uv" ]; then
  if python3 -m pip install --quiet --target .cache/uv uv >/dev/null 2>&1; then uv=$(find_uv) || uv=; fi
fi
if [ -z "$python" ] && [ -z "$uv" ]; then
  fail "no Python 3.12 or newer was found: install one (for example python3.13 with its venv module), or set PYTHON=/path/to/python."
fi

with_uv() {
  [ -n "$uv" ] || return 1
  "$uv" venv --quiet --clear --no-project --python "${python:-3.13}" "$venv" &&
    "$uv" pip sync --quiet --require-hashes --python "$venv/bin/python" "$requirements"
}

with_pip() {
  [ -n "$python" ] || return 1
  rm -rf "$venv"
  "$python" -m venv "$venv" >/dev/null 2>&1 ||
    fail "$python cannot make a virtual environment: install its venv module (on Debian: python3-venv), or install uv."
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
}

say "setting up $venv ($wanted; the first time takes about a minute) ..."
if ! with_uv; then
  if [ -n "$uv" ] && [ -n "$python" ]; then say "uv could not do it, trying pip ..."; fi
  with_pip || fail "the packages of $requirements could not be installed: is there a network, or a reachable package index?"
fi
printf '%s\n' "$sign" >"$stamp"
say "$venv is ready: $("$venv/bin/python" --version)."
