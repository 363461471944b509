#!/bin/sh
# Outlives a program that is killed, and kills the process groups that it has left.
#
# It prints "ready" and then reads one order to a line:
#   ?PIPE        a process is about to start, with the pipe of this inode as its output
#   +GROUP PIPE  it has started and leads this group
#   !PIPE        it was not started
#   -GROUP       its leader has ended, and what is left of the group may go on
# The end of the orders is the end of the program: what it has not told as ended is killed.
set -fu
trap '' HUP INT QUIT TERM PIPE
groups=' ' starting=' '

# Sets $left to the list $1 without the item $2.
without() {
  case $1 in
    *" $2 "*) left="${1%%" $2 "*} ${1#*" $2 "}" ;;
    *) left=$1 ;;
  esac
}

# Prints the group of each process that writes to one of the pipes. Linux alone has these files. By the end of the
# orders no process is between fork and exec any more, because until then it holds them open as well.
writers() {
  set +f
  # shellcheck disable=SC2012 # no tool tells more, and each name is a number
  ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r line; do
    case $line in
      /proc/*/fd:) pid=${line#/proc/} pid=${pid%/fd:} ;;
      # Not those who read from it.
      l-w*'-> pipe:['*']')
        pipe=${line##*pipe:?} pipe=${pipe%?}
        case $starting in *" $pipe "*) group_of "$pid" ;; esac
        ;;
    esac
  done
}

# Prints the group of a process, which is the fifth field. The name before it may hold anything.
group_of() {
  { read -r text <"/proc/$1/stat"; } 2>/dev/null || return 0
  text=${text##*) }
  text=${text#* * }
  echo "${text%% *}"
}

echo ready
exec >/dev/null
while read -r order pipe; do
  case $order in
    '?'*) starting="$starting${order#?} " ;;
    '!'*) without "$starting" "${order#?}" && starting=$left ;;
    +*)
      groups="$groups${order#?} "
      without "$starting" "$pipe" && starting=$left
      ;;
    -*) without "$groups" "${order#?}" && groups=$left ;;
  esac
done

# Dash takes a group only after `--`. Busybox complains of that, and kills the group all the same.
end() {
  for group; do kill -s KILL -- "-$group" 2>/dev/null; done
}

# shellcheck disable=SC2086 # a list
end $groups
# A process may start another and end between the list of processes and the look at it, so nothing must be found twice.
nothing=0
case $starting in
  *[0-9]*)
    # Some may be those of another user, which nobody here can kill.
    for _ in 1 2 3 4 5 6; do
      found=$(writers)
      # shellcheck disable=SC2086 # a list
      end $found
      [ -n "$found" ] || nothing=$((nothing + 1))
      [ "$nothing" -lt 2 ] || break
    done
    ;;
esac
exit 0
