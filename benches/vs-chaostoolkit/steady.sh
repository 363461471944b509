#!/usr/bin/env bash
# A fault of 8 seconds, during which the hypothesis turns out wrong: how long it goes on with the drill, and with
# chaostoolkit, which looks at its hypothesis continuously and is told to fail fast. Each runs as a process, in turn.
#
#   benches/vs-chaostoolkit/steady.sh [RUNS]     # 5 runs each, if not given
#
# Needs python3 with venv; builds the drill and installs the Python packages of chaostoolkit from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=benches/vs-chaostoolkit/venv.sh
. benches/vs-chaostoolkit/venv.sh

venv target/bench-chaostoolkit-venv "$(cat benches/vs-chaostoolkit/requirements.txt)"
# Where steady.py looks.
export CARGO_TARGET_DIR="$PWD/target"
cargo build --locked --release --package chaos-cli --bin chaos
target/bench-chaostoolkit-venv/bin/python -B benches/vs-chaostoolkit/steady.py "${1:-5}"
