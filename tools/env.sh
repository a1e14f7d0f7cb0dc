#!/bin/sh
# Makes .venv and installs ganad-tf into it: sh tools/env.sh [EXTRAS]
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
    echo "error: $python is not Python 3.11 to 3.13: set PYTHON to one that is" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    install="apt-get install -y python$version-venv"
    echo "$python cannot make environments (Debian packs that apart): $install"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    $as_root $install >/dev/null
fi
[ -x .venv/bin/pip ] || "$python" -m venv .venv
# Of what is installed, few modules are ever imported: they are compiled then.
.venv/bin/pip install --quiet --disable-pip-version-check --no-compile --editable ".${1:+[$1]}"
