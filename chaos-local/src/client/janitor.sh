#!/bin/sh
# Stops processes and ends that stop at its deadline, whoever has died or was frozen meanwhile: SIGSTOP has no lifetime
# of its own.
#
# In the environment:
#   deadline   when they must run again, in hundredths of a second of /proc/uptime
# Arguments tell a person who looks at the list of processes what this is for; the script does not read them.
#
# It prints "ready" once it could do its work, and reads one line:
#   stop PID.START_TIME ...   the processes, as field 1 and field 22 of /proc/PID/stat have them
#   anything else, the end    leave; nothing was stopped
# It answers with one line:
#   stopped    each of them was seen stopped or gone
#   stopping   one of them was not seen to stop within a second; this shell watches all the same
#   late       the deadline has passed: nothing is stopped
#   failed PID one of them could not be stopped: nothing is stopped
# From then on it needs nobody. It leaves when all of them are gone. As soon as anybody continues one of them, or the
# first is gone, it continues the others: a stop ends as a whole. Where it cannot look any more it continues all.
set -fu
: "${deadline:?}"
trap '' HUP INT QUIT TERM PIPE

# Whether this is digits and nothing else.
is_number() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
}

# Sets $left, in hundredths of a second. The 1 keeps 08 and 09 from being octal.
measure() {
  { read -r uptime _ </proc/uptime; } 2>/dev/null || return 1
  case $uptime in *.??) ;; *) return 1 ;; esac
  is_number "${uptime%.*}" && is_number "${uptime#*.}" || return 1
  left=$((deadline - ${uptime%.*} * 100 - 1${uptime#*.} + 100))
}

# Sets $seconds to hundredths of a second as `sleep` takes them, or to less where it knows whole seconds only.
in_seconds() {
  rest=$(($1 % 100))
  [ "$rest" -ge 10 ] || rest=0$rest
  [ "$fine" = yes ] || rest=
  seconds=$(($1 / 100))${rest:+.$rest}
}

pause() {
  in_seconds "$1"
  sleep "$seconds"
}

# Sets $state of the process PID.START_TIME to a letter, T where it is stopped, or to gone. It fails where it cannot
# look. The name of a process stands in parentheses and may hold anything, line ends too.
look() {
  pid=${1%.*} start_time=${1#*.} text=
  { while IFS= read -r line; do text="$text$line "; done <"/proc/$pid/stat"; } 2>/dev/null || text=
  # shellcheck disable=SC2086 # split into fields
  set -- ${text##*)}
  state=gone
  if [ $# -lt 20 ]; then
    # What can be signalled and not be seen is there.
    if kill -0 "$pid" 2>/dev/null; then return 1; else return 0; fi
  fi
  [ "${20}" = "$start_time" ] || return 0
  state=$1
  case $state in
  t) state=T ;;
  X) state=gone ;;
  # One whose first thread alone has ended shows nothing of the others: it may be stopped.
  Z) case ${18} in 0 | 1) state=gone ;; *) state=T ;; esac ;;
  esac
}

# Also where it was never seen stopped: this takes back a stop that is still on its way.
resume() {
  for one in $watched; do
    if ! look "$one" || [ "$state" != gone ]; then
      kill -CONT "${one%.*}" 2>/dev/null
    fi
  done
}

# A second process with the same task, which needs no other after the stop has begun: should this shell be killed,
# stopped, or kept from starting a `sleep`.
guard() {
  trap 'kill -KILL "${!:-}" 2>/dev/null; trap - EXIT; exit 0' USR1
  trap resume EXIT
  while measure && [ "$left" -gt 0 ]; do
    in_seconds "$left"
    sleep "$seconds" &
    wait "$!"
  done
  exit 0
}

leave() {
  trap - EXIT
  kill -USR1 "$guard" 2>/dev/null
  exit 0
}

# shellcheck disable=SC2317 # called by the trap
end() {
  resume
  leave
}

answer() {
  echo "$1" 2>/dev/null
  exec >/dev/null
}

# Whether all of $watched are stopped or gone.
are_stopped() {
  for one in $watched; do
    look "$one" || return 1
    case $state in T | gone) ;; *) return 1 ;; esac
  done
}

is_number "$deadline" && measure && [ "$left" -gt 0 ] || exit 1
fine=yes
sleep 0.01 2>/dev/null || { fine=no && sleep 0; } || exit 1
echo ready

read -r order || exit 0
case $order in 'stop '*) ;; *) exit 0 ;; esac
watched=${order#stop }
[ -n "$watched" ] || exit 1
for one in $watched; do
  case $one in *.*) ;; *) exit 1 ;; esac
  is_number "${one%%.*}" && is_number "${one#*.}" || exit 1
done

guard </dev/null >/dev/null &
guard=${!:-}
is_number "$guard" || exit 1
# Whatever else ends this shell, such as a fork that fails, ends the stop too.
trap end EXIT

for one in $watched; do
  if ! measure || [ "$left" -le 0 ]; then
    resume
    answer late
    leave
  fi
  if look "$one" && [ "$state" = gone ]; then
    continue
  fi
  if ! kill -STOP "${one%.*}" 2>/dev/null && { ! look "$one" || [ "$state" != gone ]; }; then
    resume
    answer "failed ${one%.*}"
    leave
  fi
done

tries=0
until are_stopped; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ] || ! measure || [ "$left" -le 0 ] || ! pause 1; then
    break
  fi
done
seen=' '
if are_stopped; then
  seen=" $watched "
  answer stopped
else
  answer stopping
fi

while measure && [ "$left" -gt 0 ]; do
  first=yes present=no
  for one in $watched; do
    look "$one" || exit 0
    case $state in
    gone) [ "$first" = no ] || first=gone ;;
    T)
      present=yes
      case $seen in *" $one "*) ;; *) seen="$seen$one " ;; esac
      ;;
    *)
      present=yes
      case $seen in *" $one "*) exit 0 ;; esac
      ;;
    esac
    # Without the first the others are not what was stopped.
    [ "$first" != gone ] || [ "$present" = no ] || exit 0
    [ "$first" = gone ] || first=no
  done
  [ "$present" = yes ] || leave
  if [ "$left" -ge 10 ]; then pause 10; else pause "$left"; fi || exit 0
done
exit 0
