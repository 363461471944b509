#!/bin/sh
# Ends a stop at its deadline, whoever has died meanwhile: SIGSTOP has no lifetime of its own.
#
# In the environment:
#   pid, start_time   the process, as field 1 and field 22 of /proc/PID/stat have it
#   deadline          when it must run again, in hundredths of a second of /proc/uptime
# Arguments tell a person who looks at the list of processes what this is for; the script does not read them.
#
# It prints "ready" once it could do its work, and waits. What comes next on standard input:
#   "stopped"  the process was seen stopped: leave as soon as it is continued
#   "leave"    the process was not stopped: leave
#   the end    whoever stops the process has died, perhaps just before or just after: stay until it was seen stopped and
#              continued, or until the deadline
set -fu
: "${pid:?}" "${start_time:?}" "${deadline:?}"
trap '' HUP INT QUIT TERM

# Sets $state, or fails where that cannot be read. The name of the process stands in parentheses and may hold anything,
# line ends too.
look() {
  text=
  { while IFS= read -r line; do text="$text$line "; done <"/proc/$pid/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086 # split into fields
  set -- ${text##*)}
  [ $# -ge 20 ] || return 1
  state=$1
  [ "${20}" = "$start_time" ] || state=another
}

# Sets $left, in hundredths of a second. The 1 keeps 08 and 09 from being octal.
measure() {
  { read -r uptime _ </proc/uptime; } 2>/dev/null || return 1
  left=$((deadline - ${uptime%.*} * 100 - 1${uptime#*.} + 100))
}

pause() {
  if [ "$left" -ge 10 ]; then
    sleep 0.1 2>/dev/null || sleep 1
  else
    sleep "0.0$left" 2>/dev/null || sleep 1
  fi
}

# shellcheck disable=SC2317 # called by the trap
resume() {
  # Also where it was never seen stopped: this takes back a stop that is still on its way.
  look && [ "$state" != another ] && kill -CONT "$pid"
}

leave() {
  trap - EXIT
  exit 0
}

look && [ "$state" != another ] && measure && [ "$left" -gt 0 ] || exit 1
sleep 0.01 2>/dev/null || sleep 0 || exit 1
echo ready
exec >/dev/null
# Whatever else ends this shell, such as a fork that fails, ends the stop too.
trap resume EXIT

seen=no
read -r word || word=
case $word in
leave) leave ;;
stopped) seen=yes ;;
esac

# What cannot be read just now is looked at again.
while [ -e "/proc/$pid" ]; do
  if look; then
    case $state in
    another) leave ;;
    T) seen=yes ;;
    *) [ "$seen" = no ] || leave ;;
    esac
  fi
  if measure && [ "$left" -le 0 ]; then
    exit 0
  fi
  pause
done
leave
