#!/bin/sh
# Disk fill: a file that nobody sees, held by one `sleep` until the deadline. The kernel frees the space when that ends.
#
# In the environment, besides what common.sh names:
#   path      a directory on the file system to fill
#   unit      for preflight and start: what `amount` is: `percent`, the share that shall be in use, in hundredths of a
#             percent; `bytes`, those to take; `all_but`, the bytes to leave
#   amount
#   floor     for preflight and start: how many bytes stay free in any case
#   free_before    for stop: how many were free before it
# Between common.sh and this text comes its part: fill_file.sh.
# shellcheck source-path=SCRIPTDIR source=../host_script/common.sh
[ -n "${action-}" ] || . ../host_script/common.sh
# shellcheck source-path=SCRIPTDIR source=fill_file.sh
[ -n "${action-}" ] || . ./fill_file.sh

: "${path:?}"
# There for the moment between its being opened and its being unlinked.
fill_file="$path/.chaos-fill-$fault"
mebibyte=1048576
# What carries the fault beside this program.
tools="sleep dd fallocate"

preflight() {
  preflight_of_all
  need dd rm rmdir stat sync
  usable
  plan
  bearable
  report_space
}

usable() {
  [ -e "$path" ] || invalid "there is no such directory"
  [ -d "$path" ] || invalid "it is not a directory"
  # Says so even where nothing has that name. To root some shells call everything writable.
  case $(rmdir -- "$fill_file-$$-nothing" 2>&1) in
  *"Read-only"*) invalid "its file system is read-only" ;;
  esac
  look_at_space || unsupported "stat -f does not report the space"
  [ "$total" -gt 0 ] || invalid "it is on a file system that has no space of its own"
  { [ -w "$path" ] && [ -x "$path" ]; } || invalid "it may not be written to"
  kind=$(stat -f -c %t -- "$path") || unsupported "stat -f does not report the type of the file system"
  # NFS, CIFS, FUSE and the like rename an open file instead of unlinking it, so that it could outlive this machine.
  case $kind in
  6969 | 517b | ff534d42 | fe534d42 | 1021997 | 65735546 | 73757245 | 5346414f | 6b414653 | c36400 | bd00bd0 | 786f4256)
    unsupported "on a network or FUSE file system, a file could outlive its holder"
    ;;
  esac
}

# What would only fail later.
bearable() {
  [ "$leave" -lt "$total" ] || invalid "$leave bytes are to stay free, and its file system has only $total"
  if inodes=$(stat -f -c '%c %d' -- "$path"); then
    # Where they are not counted, there are 0 of 0.
    case $inodes in
    '0 '*) ;;
    *' 0') unsupported "its file system has no inode left for another file" ;;
    esac
  else unsupported "stat -f does not report the number of inodes"; fi
  most=$((wanted < free - leave ? wanted : free - leave))
  look_at_limit
  [ -z "$limit" ] || [ "$most" -le "$limit" ] ||
    unsupported "files here may have at most $limit bytes (ulimit -f), but $most are requested"
}

# Sets $limit to how many bytes a file of this process may have, or to nothing.
look_at_limit() {
  limit=
  {
    while read -r first second third soft _; do
      [ "$first $second $third" != "Max file size" ] || limit=$soft
    done </proc/self/limits
  } 2>/dev/null
  is_number "$limit" || limit=
}

# Sets $free, what others than root may still take, $used, and $total, their sum: what df takes percentages of.
look_at_space() {
  space=$(stat -f -c '%S %b %f %a' -- "$path" 2>/dev/null) || return 1
  are_numbers 4 "$space" || return 1
  # shellcheck disable=SC2086 # split into fields
  set -- $space
  free=$(($1 * $4))
  used=$(($1 * ($2 - $3)))
  total=$((free + used))
}

are_numbers() { # how many, text
  expected_number=$1
  # shellcheck disable=SC2086 # split into fields
  set -- $2
  [ $# -eq "$expected_number" ] || return 1
  for number in "$@"; do is_number "$number" || return 1; done
}

# Where the directory is gone, its file system is too.
report_space() {
  [ -e "$path" ] || return 0
  look_at_space || not_now "it is unknown how much space there is"
  device_here=$(stat -L -c %d -- "$path") || not_now "it is unknown which file system it is"
  printf 'free=%s\nused=%s\ndevice=%s\n' "$free" "$used" "$device_here"
}

# Sets $wanted, the bytes to take, and $leave, those that must stay free.
plan() {
  if ! is_number "${amount:?}" || ! is_number "${floor:?}"; then invalid "this is no amount: $amount, $floor"; fi
  case ${unit:?} in
  bytes) leave=0 wanted=$amount ;;
  all_but) leave=$amount wanted=$((free - leave)) ;;
  percent)
    # shellcheck disable=SC2017 # a product with the whole would overflow on the largest file systems
    leave=$((total - total / 10000 * amount - total % 10000 * amount / 10000))
    wanted=$((free - leave))
    ;;
  *) invalid "unknown unit $unit" ;;
  esac
  [ "$leave" -ge "$floor" ] || leave=$floor
}

start() {
  must_be_in_time
  find_processes
  if [ -n "$holders" ]; then
    report
    return
  fi
  usable
  device_here=$(stat -L -c %d -- "$path") || not_now "it is unknown which file system it is"
  [ "$device_here" = "${device:?}" ] || not_now "another file system is there than when it was looked at"
  plan
  if [ "$wanted" -le 0 ] || [ "$free" -le "$leave" ]; then
    if [ "$wanted" -le 0 ]; then
      echo "nothing=nothing was filled: the file system was already as full as requested"
    else
      echo "nothing=nothing was filled: no more than the $floor bytes that must stay free were free"
    fi
    echo "bytes=0"
    report_space
    return
  fi
  open_unseen
  hold_until_end
  fill
  give_way
  is_still_there "$kept" || not_now "the holder was killed in the meantime"
  trap - EXIT
  look_at_file /proc/self/fd/9 || not_now "it is unknown how much was filled"
  [ "$taken" -gt 0 ] || not_now "others have taken all of the space meanwhile"
  less_than_asked
  printf 'holder=%s\nbytes=%s\n' "$kept" "$taken"
  report_space
}

# Bytes beyond the last block that there is room for are no news.
less_than_asked() {
  held=$((taken < size ? taken : size))
  [ $((wanted - held)) -ge 4096 ] || return 0
  if [ "$is_full" = 1 ]; then
    echo "note=$((wanted - held)) bytes less than requested: the file system has no more space"
  elif [ "$leave" -le "$floor" ]; then
    echo "note=$((wanted - held)) bytes less than requested: $floor bytes must stay free"
  elif [ $((wanted - held)) -ge "$mebibyte" ]; then
    echo "note=$((wanted - held)) bytes less than requested: others have taken them meanwhile"
  fi
}

# Starts the holder, before there is anything to hold, and what keeps the floor and the deadline beside it.
hold_until_end() {
  read_clock || not_now "/proc/uptime contains no time; nothing was begun"
  left=$((ends_at - now))
  [ "$left" -gt 0 ] || not_now "the fault's deadline has passed; nothing was begun"
  file=$(identity) || not_now "the file to be filled cannot be looked at"
  look_around
  env -i "$mark" "PATH=$PATH" setsid sleep "$(seconds "$left")" </dev/null >/dev/null 2>&1 &
  sleeper=$!
  # Whatever fails from here on leaves nothing.
  trap 'kill -9 "$sleeper" ${guard-} 2>/dev/null' EXIT
  look_at "$sleeper" || not_now "the holder does not start"
  # shellcheck disable=SC2086 # split into fields
  kept=$sleeper.$(field 20 $stat)
  detached "path=$path" "floor=$floor" "ends_at=$ends_at" "kept=$kept" "file=$file" "vantage=$here" 9>&-
  # shellcheck disable=SC2031 # nor is it
  guard=$holder
  tries=0
  # shellcheck disable=SC2086 # split into words
  until find_processes && [ "$(count $holders)" -ge 2 ]; do
    [ "$tries" -lt 250 ] || not_now "the holder and its guard do not start"
    tries=$((tries + 1))
    sleep 0.02
  done
}

field() { # number, fields...
  shift "$1"
  echo "$1"
}

# Beside the holder: gives way to other writers, and ends what should have ended. The space is the holder's alone: this
# opens the file only for as long as it takes to shrink it.
hold() {
  : "${floor:?}" "${kept:?}" "${file:?}" "${vantage:?}"
  if ! is_number "$floor" || ! is_number "$ends_at"; then exit 64; fi
  # Also where it cannot look any more.
  trap 'trap - EXIT; become stop "path=$path" "vantage=$vantage"' EXIT
  while read_clock && [ "$now" -lt "$ends_at" ]; do
    if ! is_still_there "$kept"; then
      trap - EXIT
      exit 0
    fi
    if look_at_space && [ "$free" -lt "$floor" ] && command exec 9<>"/proc/${kept%.*}/fd/9"; then
      # Not that of another process that has got the holder's number.
      [ "$(identity)" != "$file" ] || give_way
      exec 9>&-
    fi
    left=$((ends_at - now))
    sleep "$(seconds $((left < 25 ? left : 25)))" || exit 1
  done
  exit 0
}

status() {
  must_see_as_before
  report
}

report() {
  bytes=0 given_up=0
  find_processes
  for holder in $holders; do
    held_by "${holder%.*}" || continue
    echo "holder=$holder"
    bytes=$taken
    given_up=$((taken < size ? size - taken : 0))
  done
  count_open
  # shellcheck disable=SC2086 # split into words
  printf 'bytes=%s\ngiven_up=%s\nprocesses=%s\nopen=%s\n' "$bytes" "$given_up" "$(count $processes)" "$open"
  report_space
}

stop() {
  free=
  status
  expected=${free:+$((free + bytes - bytes / 100))}
  if [ -n "$expected" ] && is_number "${free_before-}"; then
    # Where it ended before this, and that has not been counted yet.
    before=$((free_before - free_before / 100))
    [ "$expected" -ge "$before" ] || expected=$before
  fi
  stop_all
  remove_name
  wait_until_closed
  wait_for_space
}

# Where it was killed before that. Whatever else has the name is somebody else's.
remove_name() {
  [ ! -L "$fill_file" ] && [ -f "$fill_file" ] || return 0
  made=$(stat -c '%u %s %h' -- "$fill_file") || not_now "it is unknown whose file $fill_file is"
  [ "$made" != "$whose 0 1" ] || rm -f -- "$fill_file" || not_now "the empty file $fill_file cannot be removed"
}

wait_until_closed() {
  patience=300
  while count_open && [ "$open" -gt 0 ]; do
    [ "$patience" -gt 0 ] || not_now "the file is still open"
    patience=$((patience - 2))
    sleep 0.02
  done
}

# The kernel may take another moment to give the space back. What others take meanwhile never comes back.
wait_for_space() {
  patience=50
  writer=
  until is_back; do
    if [ -z "$writer" ]; then
      write_down &
      writer=$!
    elif is_writing; then
      # It may have to wait for what others have written.
      [ "$patience" -gt -1000 ] || return 0
    else
      [ "$patience" -gt 0 ] || return 0
    fi
    patience=$((patience - 1))
    sleep 0.02
  done
}

is_writing() {
  look_at "$writer" || return 1
  case $stat in [ZX]*) return 1 ;; esac
}

is_back() {
  [ -n "$expected" ] && look_at_space || return 0
  [ "$free" -ge "$expected" ]
}

case $action in
preflight) preflight ;;
start) start ;;
hold) hold "$@" ;;
status) status ;;
stop) stop ;;
*) invalid "unknown action $action" ;;
esac
