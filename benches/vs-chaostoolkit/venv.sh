# shellcheck shell=bash
# Sourced by the scripts beside it.

venv() { # folder, requirements: made anew where they have changed
  [ "$(cat "$1/installed.txt" 2>/dev/null)" != "$2" ] || return 0
  rm -rf "$1"
  python3 -m venv "$1"
  xargs "$1/bin/pip" install --quiet <<<"$2"
  printf '%s\n' "$2" >"$1/installed.txt"
}
