#!/usr/bin/env bash
# Stands in for rustdoc while cargo tests the examples of the documentation: it makes the documentation too, with
# warnings as errors. It uses the libraries that are built for the tests. `cargo doc` would analyse every dependency
# once more, SDKs and all, which takes minutes.
set -eu
if [[ " $* " == *" --test "* ]]; then
  arguments=()
  is_value=false
  for argument in "$@"; do
    if $is_value; then
      is_value=false
      continue
    fi
    case $argument in
    --test | --test-*=*) ;;
    --test-*) is_value=true ;;
    *) arguments+=("$argument") ;;
    esac
  done
  rustdoc "${arguments[@]}" --deny warnings --out-dir "${CARGO_TARGET_DIR:-target}/doc"
fi
exec rustdoc "$@"
