#!/bin/sh
# What the scripts of the host faults share. Each of them is this text and its parts (clock.sh, vantage.sh and
# processes.sh), followed by its own text, run as one program: by the variable `program`, so that a command line is
# short enough to be recognised.
#
# In the environment:
#   action    preflight, start, status or stop; hold is what start leaves behind
#   fault     the fault's id, 16 hexadecimal digits
#   program   this text once more
#   vantage   for status and stop: from where the preflight looked, as it said
#   boot_id, ends_at, at_most
#             for start: the boot, the uptime in hundredths of a second at which the fault must be over, and how far
#             that may be away. Nobody can set that clock, so that an order that arrives late ends on time, and never
#             begins after its end
#
# It answers with lines NAME=VALUE on standard output, `note=` among them for what a person should know. The exit status
# is that of sysexits.h: 64 for a parameter that makes no sense on this machine, 69 for something that is missing here,
# 75 for what may work when it is tried again, 77 for what may not be done from here; the reason is on standard error.
#
# What others can write (files of /proc about their processes, a journal, a parameter) is text. It comes into
# arithmetic, or into a test for numbers, only after it was seen to be a number: shells evaluate names and commands
# there. Nothing is expanded to the names of files but where this says so.
# shellcheck source-path=SCRIPTDIR source=../host_script/clock.sh
[ -n "${action-}" ] || . ../host_script/clock.sh
# shellcheck source-path=SCRIPTDIR source=../host_script/vantage.sh
[ -n "${action-}" ] || . ../host_script/vantage.sh
# shellcheck source-path=SCRIPTDIR source=../host_script/processes.sh
[ -n "${action-}" ] || . ../host_script/processes.sh
set -uf
umask 077
: "${action:?}" "${fault:?}"
case $fault in *[!0-9a-f]*) exit 64 ;; esac
# Whatever holds a fault has this as the first variable of the environment that it was started with, and PATH as the
# second one.
mark="CHAOS_FAULT=$fault"
# How a shell runs this program.
# shellcheck disable=SC2016 # that shell expands it
runs='eval "$program"'
# Not for what this starts in passing.
unset CHAOS_FAULT CHAOS_LOOK

invalid() {
  printf '%s\n' "$*" >&2
  exit 64
}

unsupported() {
  printf '%s\n' "$*" >&2
  exit 69
}

not_now() {
  printf '%s\n' "$*" >&2
  exit 75
}

denied() {
  printf '%s\n' "$*" >&2
  exit 77
}

need() { # command...
  for name in "$@"; do
    command -v "$name" >/dev/null 2>&1 || unsupported "the command $name is missing"
  done
}

# Whether it is a number that every shell can count with.
is_number() { # text
  # A zero before others would make an octal number of it.
  case $1 in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac
}

is_hexadecimal() { # text
  case $1 in '' | *[!0-9a-fA-F]* | ?????????????????*) return 1 ;; esac
}

is_boot() { # text
  case $1 in
  *[!0-9a-f-]*) return 1 ;;
  ????????-????-????-????-????????????) ;;
  *) return 1 ;;
  esac
}

# What every host fault needs, and the clock that its deadline is told in.
preflight_of_all() {
  need env grep kill ls readlink setsid sleep
  [ $((1048576 * 1048576)) -gt 1048576 ] || unsupported "this shell does not count in 64 bits"
  sleep 0.01 2>/dev/null || unsupported "sleep takes no fractions of a second here"
  for file in /proc/self/environ /proc/self/stat /proc/uptime; do
    [ -r "$file" ] || unsupported "$file cannot be read"
  done
  look_around
  # The way back is walked once, before the way in.
  vantage=$here
  must_see_as_before
  find_processes
  [ -z "$processes" ] || not_now "there are processes of this fault already"
  read_clock || unsupported "/proc/uptime contains no time"
  printf 'boot_id=%s\nuptime=%s\nvantage=%s\n' "$here_boot" "$now" "$here"
}
