#!/bin/sh
# What the scripts of the host faults share: processes that carry a fault, and how they are found.
#
# A part of common.sh, which says what its variables mean.
# shellcheck disable=SC2034,SC2154,SC2317

# As what carries it. In the background, call env itself: a function's shell would wait there beside it.
marking() { # command...
  env -i "$mark" "PATH=$PATH" LC_ALL=C "$@"
}

# Runs this program once more as `hold`, with these variables, in a session of its own: it outlives whoever started it.
# Sets $holder. The mark comes before the session: between the two, stop would find it neither by its mark nor in the
# group of start.
detached() { # NAME=VALUE...
  read_clock || not_now "/proc/uptime contains no time"
  env -i "$mark" "PATH=$PATH" LC_ALL=C action=hold "fault=$fault" "program=$program" "$@" \
    setsid sh -c "$runs" "chaos-fault-$fault" "from=$now" "until=$ends_at" </dev/null >/dev/null 2>&1 &
  holder=$!
}

# Becomes a program that is no part of the fault, and looks for what is.
become() { # action, NAME=VALUE...
  becomes=$1
  shift
  exec env -i "CHAOS_LOOK=$fault" "PATH=$PATH" LC_ALL=C "action=$becomes" "fault=$fault" "$@" "program=$program" \
    sh -c "$runs" "chaos-$becomes-$fault"
}

# --- And how they are found: by what only whoever began the fault could have made, and never by a word in some text.
# All four of their user ids are those of the fault, the first variable of their environment is its mark, and command
# line and executable are those of a process of it. Its id alone is no secret.
#
# A look finds this process too, by its own mark, at each step; otherwise it has failed, and is not one that has found
# nothing. ---

# Sets $processes to those of this fault, this one not, as PID.START_TIME; also a start that is still on its way. And
# $holders to those of them that hold it: what `detached` has started, without what that starts in passing.
find_processes() {
  look_for_processes
  # What was started between two steps of a look, by a process that has ended since, is seen by the next one.
  [ -n "$processes" ] || look_for_processes
}

look_for_processes() {
  [ -n "${whose-}" ] || { look_at_self && whose=$own_user; }
  list_processes
  # By their owner first: others may have any number of processes, and call them whatever they like.
  narrow status -E -e "^Uid:([[:space:]]$whose){4}\$" -e "^Pid:[[:space:]]$$\$"
  # A start has no mark yet while it is a command to become one with a mark.
  narrow "environ cmdline" -z -E -e "^CHAOS_(FAULT|LOOK)=$fault\$" -e "^: chaos-start $fault;"
  list_executables
  processes='' holders='' is_seen=
  for candidate in $pids; do
    if [ "$candidate" = $$ ]; then
      ! is_itself || is_seen=1
      continue
    fi
    look_at "$candidate" || continue
    # shellcheck disable=SC2086 # split into fields
    set -- $stat
    # One that has ended.
    case $1 in Z | X) continue ;; esac
    is_of_fault "$candidate" || continue
    processes="$processes $candidate.${20}"
    # A leader of its session.
    [ "$4" != "$candidate" ] || holders="$holders $candidate.${20}"
  done
  [ -n "$is_seen" ] || not_now "the processes here cannot be searched: not even this one is found"
}

# Sets $pids to all that there are, as paths.
list_processes() {
  set +f
  set -- /proc/[0-9]*
  set -f
  pids=$*
  case " $pids " in *" /proc/$$ "*) ;; *) not_now "/proc cannot be listed" ;; esac
}

# Keeps those of $pids of which grep finds a line in one of these files.
narrow() { # files, options of grep...
  searched_files=$1
  shift
  searched=$pids pids='' batch='' batch_size=0
  for candidate in $searched; do
    candidate=${candidate#/proc/}
    [ "$candidate" != $$ ] || continue
    for searched_file in $searched_files; do batch="$batch /proc/$candidate/$searched_file"; done
    batch_size=$((batch_size + 1))
    [ "$batch_size" -ge 1000 ] || continue
    narrow_batch "$@"
    batch='' batch_size=0
  done
  narrow_batch "$@"
  pids="$pids $$"
}

# This process comes last: who has seen it has seen all others.
narrow_batch() { # options of grep...; $batch
  for searched_file in $searched_files; do batch="$batch /proc/$$/$searched_file"; done
  # What grep complains about comes after what it has found, each in lines of their own.
  # shellcheck disable=SC2086 # split into files
  search_output=$(
    exec 3>&1
    complaints=$(exec grep -l "$@" $batch 2>&1 >&3 3>&-)
    [ -z "$complaints" ] || printf '%s\n' "$complaints"
  ) || not_now "the processes here cannot be searched: no command can be started"
  is_seen=
  IFS='
'
  for search_line in $search_output; do
    case $search_line in
    "/proc/$$/"*) is_seen=1 ;;
    /proc/*)
      candidate=${search_line#/proc/}
      candidate=${candidate%%/*}
      # Once, also where both of its files match.
      case "$pids " in *" $candidate ") ;; *) pids="$pids $candidate" ;; esac
      ;;
    *grep:\ /proc/*)
      unset IFS
      check_complaint "$search_line"
      ;;
    *)
      unset IFS
      not_now "the processes here cannot be searched: $search_line"
      ;;
    esac
  done
  unset IFS
  [ -n "$is_seen" ] || not_now "the processes here cannot be searched: not even this one is found"
}

# Ends this where a command complains of anything but of a process that has ended, or that has more rights than the
# fault. With CAP_SYS_PTRACE all others can be seen: whoever is kept from it all the same, by a security module say,
# sees nothing.
check_complaint() { # line
  case $1 in
  *": No such file or directory" | *": No such process") ;;
  *": Permission denied" | *": Operation not permitted")
    [ $((0x${own_capabilities:-0} & 0x80000)) -ne 0 ] || return 0
    complained=${1#*/proc/}
    complained=${complained%%/*}
    ! has_more_rights "$complained" || return 0
    not_now "something keeps this from looking at processes: $1"
    ;;
  *) not_now "the processes here cannot be looked at: $1" ;;
  esac
}

# Whether the process has ended, or has capabilities that whatever the fault has started cannot have.
has_more_rights() { # pid
  rights=
  {
    while read -r field value _; do
      [ "$field" != CapPrm: ] || rights=$value
    done <"/proc/$1/status"
  } 2>/dev/null
  [ -d "/proc/$1" ] || return 0
  is_hexadecimal "$rights" && [ $((0x$rights & ~0x${fault_capabilities:-$own_capabilities})) -ne 0 ]
}

# Sets $links to what these paths in /proc lead to, and $complaints to what could not be told.
# shellcheck disable=SC2034 # for the scripts that follow
look_at_links() { # path...
  links=$(exec ls -l "$@" 2>/dev/null)
  [ $? -lt 126 ] || not_now "the processes here cannot be looked at: no command can be started"
  complaints=$(exec ls -l "$@" 2>&1 >/dev/null)
  [ $? -lt 126 ] || not_now "the processes here cannot be looked at: no command can be started"
  IFS='
'
  for complaint in $complaints; do
    unset IFS
    check_complaint "$complaint"
  done
  unset IFS
}

# Sets $executables, with a line for each of $pids that still runs.
list_executables() {
  exe_paths=
  for candidate in $pids; do exe_paths="$exe_paths /proc/$candidate/exe"; done
  # shellcheck disable=SC2086 # split into paths
  executables=$(ls -l $exe_paths 2>/dev/null)
  case $executables in *"/proc/$$/exe -> "*) ;; *) not_now "the executables of processes cannot be seen here" ;; esac
}

# The arguments of a command line stand one after the other in these patterns, with nothing between them.
is_of_fault() { # pid
  first_line "$1" environ
  variables=$text
  first_line "$1" cmdline
  case $variables in
  "${mark}PATH="*)
    case $text in
    *"sh-c${runs}chaos-start-$fault" | *"sh-c${runs}chaos-fault-${fault}from="*) executes "$1" sh ;;
    setsid*) executes "$1" setsid ;;
    *)
      for tool in ${tools-}; do
        case $text in "$tool"* | */"$tool"*) executes "$1" "$tool" && return ;; esac
      done
      return 1
      ;;
    esac
    ;;
  *)
    case $text in
    "env-i${mark}PATH="* | /*"/env-i${mark}PATH="*) executes "$1" env ;;
    "sh-c: chaos-start $fault;"* | /*"/sh-c: chaos-start $fault;"*) executes "$1" sh ;;
    *) return 1 ;;
    esac
    ;;
  esac
}

is_itself() {
  first_line $$ environ
  variables=$text
  first_line $$ cmdline
  case $variables$text in CHAOS_*"=${fault}PATH="*"$0"*) executes $$ sh ;; *) return 1 ;; esac
}

# Sets $text to the first line of a file of /proc/PID, without the zero bytes in it: no shell keeps those.
first_line() { # pid, file
  text=
  { IFS= read -r text <"/proc/$1/$2"; } 2>/dev/null || :
}

# Whether the process executes what this command stands for here. A package may have been replaced since, or another
# shell made `sh`.
executes() { # pid, command
  executable=${executables#*"/proc/$1/exe -> "}
  if [ "$executable" = "$executables" ]; then
    # It has ended meanwhile.
    look_at "$1" || return 1
    case $stat in [ZX]*) return 1 ;; esac
    not_now "it cannot be seen what the process $1 executes"
  fi
  executable=${executable%%
*}
  executable=${executable%" (deleted)"}
  executable=${executable##*/}
  case $executable in
  "$2" | busybox* | toybox* | coreutils*) return 0 ;;
  # Also a script in the place of a command.
  sh | dash | bash | ash | ksh* | mksh* | lksh | yash | zsh* | posh) return 0 ;;
  esac
  meant=$(command -v "$2") && meant=$(readlink -f "$meant") || return 1
  [ "$executable" = "${meant##*/}" ]
}

# Sets $stat to the fields of /proc/PID/stat from the third on. The name before them may hold anything.
look_at() { # pid
  stat=
  { while IFS= read -r line; do stat="$stat$line "; done <"/proc/$1/stat"; } 2>/dev/null
  stat=${stat##*) }
  [ -z "$stat" ] || return 0
  [ ! -d "/proc/$1" ] || not_now "the process $1 cannot be looked at"
  return 1
}

# Whether this is still the process that was meant, which has not ended.
is_still_there() { # PID.START_TIME
  look_at "${1%.*}" || return 1
  started=${1#*.}
  # shellcheck disable=SC2086 # split into fields
  set -- $stat
  case $1 in Z | X) return 1 ;; esac
  [ "${20}" = "$started" ]
}

report_holders() {
  find_processes
  for holder in $holders; do echo "holder=$holder"; done
}

# How many words there are.
count() { # word...
  echo $#
}

# Ends every process of this fault: also a start that is still on its way, which could begin something after this.
stop_all() {
  tries=0
  while find_processes && [ -n "$processes" ]; do
    [ "$tries" -lt 100 ] || not_now "processes of this fault do not end:$processes"
    tries=$((tries + 1))
    for process in $processes; do
      is_still_there "$process" || continue
      pid=${process%.*}
      # Its whole group where it leads one.
      kill -9 -- "-$pid" 2>/dev/null
      kill -9 "$pid" 2>/dev/null
    done
    [ "$tries" -lt 3 ] || sleep 0.02
  done
  [ -z "$processes" ] || not_now "the processes of this fault cannot be looked for"
}
