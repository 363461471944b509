#!/bin/sh
# What the scripts of the host faults share. Each of them is this text followed by its own, run as one program: by the
# variable `program`, so that a command line is short enough to be recognised.
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
  read_clock || unsupported "/proc/uptime tells no time"
  printf 'boot_id=%s\nuptime=%s\nvantage=%s\n' "$here_boot" "$now" "$here"
}

# --- The clock. ---

# Sets $now to the uptime, in hundredths of a second. False where it cannot be told.
read_clock() {
  now=
  { read -r now _ </proc/uptime; } 2>/dev/null
  hundredths=${now#*.}
  case $hundredths in [0-9][0-9]) ;; *) return 1 ;; esac
  now=${now%.*}
  is_number "$now" || return 1
  # The 1 keeps 08 and 09 from being octal.
  now=$((now * 100 + 1$hundredths - 100))
}

uptime() { # in hundredths of a second
  read_clock || not_now "/proc/uptime tells no time"
  echo "$now"
}

# Sets $left, in hundredths of a second. For start: ends it where there is nothing left to begin for.
must_be_in_time() {
  : "${boot_id:?}" "${ends_at:?}" "${at_most:?}" "${program:?}"
  if ! is_number "$ends_at" || ! is_number "$at_most"; then invalid "the deadline is no number: $ends_at, $at_most"; fi
  boot=
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  [ "$boot" = "$boot_id" ] || not_now "the machine has rebooted since this was prepared; nothing was begun"
  read_clock || not_now "/proc/uptime tells no time; nothing was begun"
  left=$((ends_at - now))
  [ "$left" -gt 0 ] || not_now "the fault's deadline has passed; nothing was begun"
  # A container that has restarted may count its uptime anew, in the same boot.
  [ "$left" -le "$at_most" ] || not_now "the machine's uptime has gone back since this was prepared; nothing was begun"
}

seconds() { # of hundredths: 105 is 1.05
  printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}

# --- From where this looks. ---

# Sets $here to who this is and where, in six words: machine, boot, namespaces of processes and users, user and group,
# capabilities.
look_around() {
  here_boot=
  { read -r here_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  is_boot "$here_boot" || not_now "/proc/sys/kernel/random/boot_id tells no boot"
  machine=
  { read -r machine </etc/machine-id; } 2>/dev/null
  [ -n "$machine" ] || { read -r machine </proc/sys/kernel/hostname; } 2>/dev/null
  # A name is one word here.
  while :; do
    case $machine in
    *[!0-9A-Za-z._-]*) machine=${machine%%[!0-9A-Za-z._-]*}_${machine#*[!0-9A-Za-z._-]} ;;
    *) break ;;
    esac
  done
  look_at_self
  here_pids=$(readlink /proc/self/ns/pid) || not_now "it cannot be told which namespace of processes this is"
  here_users=$(readlink /proc/self/ns/user) || not_now "it cannot be told which namespace of users this is"
  here="${machine:-unknown} $here_boot $here_pids $here_users $own_user:$own_group $own_capabilities"
}

vantage_here() {
  look_around
  echo "$here"
}

# Sets $own_user, $own_group and $own_capabilities. A read that a signal has interrupted is no answer, and is tried
# again.
look_at_self() {
  for _ in 1 2 3; do
    own_user='' own_group='' own_capabilities=''
    {
      while read -r field first second _; do
        case $field in
        Uid:) own_user=$second ;;
        Gid:) own_group=$second ;;
        CapEff:) own_capabilities=$first ;;
        esac
      done </proc/self/status
    } 2>/dev/null
    ! is_number "$own_user" || ! is_number "$own_group" || ! is_hexadecimal "$own_capabilities" || return 0
  done
  not_now "/proc/self/status does not tell which user this is"
}

# An answer of "nothing" counts only from where what a fault has started could be seen: the processes of others are
# hidden, and those with more rights. For status and stop, before they look. Sets $whose, the user that the fault was
# begun as.
must_see_as_before() {
  for name in grep ls readlink; do
    command -v "$name" >/dev/null 2>&1 || not_now "the command $name is missing, without which nothing is found"
  done
  look_around
  # shellcheck disable=SC2086 # split into words
  set -- ${vantage:?} $here
  whose=${5%%:*}
  if [ $# -ne 12 ] || ! is_number "$whose" || [ "$5" != "$whose:${5#*:}" ] ||
    ! is_number "${5#*:}" || ! is_hexadecimal "$6"; then
    not_now "it cannot be told from where the fault was begun"
  fi
  fault_capabilities=$6
  is_boot "$2" || not_now "it cannot be told in which boot the fault was begun: $2"
  # Nothing of a fault survives a reboot of its machine. The same boot is the same machine, whatever that is called by
  # now.
  # shellcheck disable=SC2034 # for the scripts that follow
  if [ "$2" = "$8" ]; then has_rebooted=0; else
    [ "$1" = "$7" ] || not_now "the fault is on another machine, $1, and this is $7"
    has_rebooted=1
    return
  fi
  [ "$3 $4" = "$9 ${10}" ] || denied "the fault is in other namespaces of this machine, in another container perhaps"
  # With CAP_SYS_PTRACE everything is seen; otherwise one's own, as far as it has no more rights.
  [ $((0x${12} & 0x80000)) -eq 0 ] || return 0
  if [ "$5" != "${11}" ] || [ $((0x$6 & ~0x${12})) -ne 0 ]; then
    denied "the fault was begun by the user and group $5, perhaps with more capabilities: recover as those, or as root"
  fi
}

# --- Processes that carry the fault. ---

# As what carries it. In the background, call env itself: a function's shell would wait there beside it.
marking() { # command...
  env -i "$mark" "PATH=$PATH" LC_ALL=C "$@"
}

# Runs this program once more as `hold`, with these variables, in a session of its own: it outlives whoever started it.
# Sets $holder. The mark comes before the session: between the two, stop would find it neither by its mark nor in the
# group of start.
detached() { # NAME=VALUE...
  read_clock || not_now "/proc/uptime tells no time"
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
