#!/bin/sh
# What the scripts of the host faults share. Each of them is this text followed by its own, run as one program.
#
# In the environment:
#   action    preflight, start, status or stop; hold is what start leaves behind
#   fault     the fault's id, 16 hexadecimal digits
#   program   this text once more, for start
#   vantage   for status and stop: from where the preflight looked, as it said
#   boot_id, ends_at, at_most    for start: the boot, the uptime in hundredths of a second at which the fault must be over, and how
#                       far that may be away. Nobody can set that clock, so that an order that arrives late ends on time, and never
#                       begins after its end
#
# It answers with lines NAME=VALUE on standard output, `note=` among them for what a person should know. The exit status is
# that of sysexits.h: 64 for a parameter that makes no sense on this machine, 69 for something that is missing here, 75 for what may
# work when it is tried again, 77 for what may not be done from here; the reason is on standard error.
#
# Whatever holds a fault carries its id as the first variable of the environment that it was started with. That mark is how
# stop finds everything: it needs no file, survives no reboot, and belongs to nobody else.
set -u
umask 077
: "${action:?}" "${fault:?}"
mark="CHAOS_FAULT=$fault"
# Not for what this starts in passing.
unset CHAOS_FAULT

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

# What every host fault needs, and the clock that its deadline is told in.
preflight_of_all() {
  need env grep id kill readlink setsid sleep tail tr xargs
  [ $((1048576 * 1048576)) -gt 1048576 ] || unsupported "this shell does not count in 64 bits"
  sleep 0.01 2>/dev/null || unsupported "sleep takes no fractions of a second here"
  for file in /proc/self/environ /proc/self/stat /proc/uptime; do
    [ -r "$file" ] || unsupported "$file cannot be read"
  done
  read -r boot </proc/sys/kernel/random/boot_id || unsupported "/proc/sys/kernel/random/boot_id cannot be read"
  printf 'boot_id=%s\nuptime=%s\nvantage=%s\n' "$boot" "$(uptime)" "$(vantage_here)"
}

# Who this is and where: machine, boot, namespaces of processes and users, user and group, capabilities.
vantage_here() {
  machine=
  { read -r machine </etc/machine-id || read -r machine </proc/sys/kernel/hostname; } 2>/dev/null
  read -r boot </proc/sys/kernel/random/boot_id
  capabilities=0
  while read -r field value; do
    [ "$field" != CapEff: ] || capabilities=$value
  done </proc/self/status
  echo "${machine:-unknown} $boot $(readlink /proc/self/ns/pid) $(readlink /proc/self/ns/user) $(id -u):$(id -g) $capabilities"
}

# An answer of "nothing" counts only from where what a fault has started could be seen: the processes of others are hidden, and those
# with more rights. For status and stop, before they look.
must_see_as_before() {
  for name in grep ls xargs; do
    command -v "$name" >/dev/null 2>&1 || not_now "the command $name is missing, without which nothing is found"
  done
  grep -q . /proc/self/environ 2>/dev/null || not_now "/proc cannot be searched"
  # shellcheck disable=SC2046,SC2086 # split into fields
  set -- ${vantage:?} $(vantage_here)
  [ $# -eq 12 ] || not_now "it cannot be told from where the fault was begun"
  # Nothing of a fault survives a reboot of its machine.
  [ "$1" = "$7" ] || not_now "the fault is on another machine, $1, and this is $7"
  # shellcheck disable=SC2034 # for the scripts that follow
  if [ "$2" = "$8" ]; then has_rebooted=0; else
    has_rebooted=1
    return
  fi
  [ "$3 $4" = "$9 ${10}" ] || denied "the fault is in other namespaces of this machine, in another container perhaps"
  # With CAP_SYS_PTRACE everything is seen; otherwise one's own, as far as it has no more rights.
  [ $((0x${12} & 0x80000)) -eq 0 ] || return 0
  case ${11} in
  :* | *:) not_now "it cannot be told which user this is" ;;
  esac
  if [ "$5" != "${11}" ] || [ $((0x$6 & ~0x${12})) -ne 0 ]; then
    denied "the fault was begun by the user and group $5, perhaps with more capabilities: recover as those, or as root"
  fi
}

uptime() { # in hundredths of a second
  read -r uptime _ </proc/uptime
  # The 1 keeps 08 and 09 from being octal.
  echo $((${uptime%.*} * 100 + 1${uptime#*.} - 100))
}

# Sets $left, in hundredths of a second. For start: ends it where there is nothing left to begin for.
must_be_in_time() {
  : "${boot_id:?}" "${ends_at:?}" "${at_most:?}" "${program:?}"
  read -r boot </proc/sys/kernel/random/boot_id
  [ "$boot" = "$boot_id" ] || not_now "the machine has rebooted since this was prepared; nothing was begun"
  left=$((ends_at - $(uptime)))
  [ "$left" -gt 0 ] || not_now "the fault's deadline has passed; nothing was begun"
  # A container that has restarted may count its uptime anew, in the same boot.
  [ "$left" -le "$at_most" ] || not_now "the machine's uptime has gone back since this was prepared; nothing was begun"
}

seconds() { # of hundredths: 105 is 1.05
  printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}

# Runs this program once more as `hold`, with these variables, in a session of its own: it outlives whoever started it. Sets
# $holder. The mark comes before the session: between the two, stop would find it neither by its mark nor in the group of start.
detached() { # NAME=VALUE...
  CHAOS_FAULT=$fault env -i "$mark" "PATH=$PATH" LC_ALL=C action=hold "fault=$fault" "program=$program" "$@" \
    setsid sh -c "$program" "chaos-fault-$fault" "$(uptime)" "$ends_at" </dev/null >/dev/null 2>&1 &
  holder=$!
}

# Every process of this fault, this one not. A start that has just been ordered has no mark yet, but a parameter that tells.
marked() {
  # By xargs, because there may be more processes than arguments. Other users' cannot be read.
  # shellcheck disable=SC2013 # paths without spaces
  for entry in $(printf '%s\n' /proc/[0-9]*/environ | xargs grep -lsF -e "$mark" -e "start_of=$fault"); do
    entry=${entry#/proc/}
    [ "${entry%/environ}" = "$$" ] || echo "${entry%/environ}"
  done
}

# Sets $stat to the fields of /proc/PID/stat from the third on. The name before them may hold anything.
look_at() { # pid
  stat=
  { while IFS= read -r line; do stat="$stat$line "; done <"/proc/$1/stat"; } 2>/dev/null
  stat=${stat##*) }
  [ -n "$stat" ]
}

# The processes that hold this fault, as PID.START_TIME: what `detached` has started, without what that starts in passing.
holders() {
  for pid in $(marked); do
    look_at "$pid" || continue
    # shellcheck disable=SC2086 # split into fields
    set -- $stat
    # A leader of its session that has not ended.
    if [ "$4" = "$pid" ] && [ "$1" != Z ] && [ "$1" != X ]; then echo "$pid.${20}"; fi
  done
}

report_holders() {
  holders | while read -r holder; do echo "holder=$holder"; done
}

# Ends every process of this fault: also a start that is still on its way, which could begin something after this.
stop_all() {
  tries=0
  while found=$(marked) && [ -n "$found" ]; do
    [ "$tries" -lt 100 ] || not_now "processes of this fault do not end: $(echo "$found" | tr '\n' ' ')"
    tries=$((tries + 1))
    for pid in $found; do
      # Its whole group where it leads one.
      kill -9 -- "-$pid" 2>/dev/null
      kill -9 "$pid" 2>/dev/null
    done
    [ "$tries" -lt 3 ] || sleep 0.02
  done
}
