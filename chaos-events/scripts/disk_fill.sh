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
# shellcheck source-path=SCRIPTDIR source=common.sh
[ -n "${action-}" ] || . ./common.sh

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
  look_at_space || unsupported "stat -f does not tell how much space there is"
  [ "$total" -gt 0 ] || invalid "it is on a file system that has no space of its own"
  { [ -w "$path" ] && [ -x "$path" ]; } || invalid "it may not be written to"
  kind=$(stat -f -c %t -- "$path") || unsupported "stat -f does not tell what kind of file system it is"
  # NFS, CIFS, FUSE and the like rename an open file instead of unlinking it, so that it could outlive this machine.
  case $kind in
  6969 | 517b | ff534d42 | fe534d42 | 1021997 | 65735546 | 73757245 | 5346414f | 6b414653 | c36400 | bd00bd0 | 786f4256)
    unsupported "on a file system of the network or of FUSE a file could outlive its holder"
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
  else unsupported "stat -f does not tell how many inodes there are"; fi
  most=$((wanted < free - leave ? wanted : free - leave))
  look_at_limit
  [ -z "$limit" ] || [ "$most" -le "$limit" ] ||
    unsupported "files here may have no more than $limit bytes (ulimit -f), and $most are to be taken"
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
  look_at_space || not_now "it cannot be told how much space there is"
  device_here=$(stat -L -c %d -- "$path") || not_now "it cannot be told which file system it is"
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
  device_here=$(stat -L -c %d -- "$path") || not_now "it cannot be told which file system it is"
  [ "$device_here" = "${device:?}" ] || not_now "another file system is there than when it was looked at"
  plan
  if [ "$wanted" -le 0 ] || [ "$free" -le "$leave" ]; then
    if [ "$wanted" -le 0 ]; then
      echo "nothing=nothing was filled: it was as full as that already"
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
  look_at_file /proc/self/fd/9 || not_now "it cannot be told how much was filled"
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
    echo "note=$((wanted - held)) bytes less than asked for: the file system has no more to give"
  elif [ "$leave" -le "$floor" ]; then
    echo "note=$((wanted - held)) bytes less than asked for: $floor bytes must stay free"
  elif [ $((wanted - held)) -ge "$mebibyte" ]; then
    echo "note=$((wanted - held)) bytes less than asked for: others have taken them meanwhile"
  fi
}

# The file is this program's descriptor 9, and has no name any more. Nobody else can have opened it.
open_unseen() {
  if [ -e "$fill_file" ] || [ -L "$fill_file" ]; then not_now "something has the name of the file to be filled"; fi
  set -C
  command exec 9>"$fill_file" || not_now "no file can be created there"
  set +C
  rm -f -- "$fill_file"
  look_at_self
  made=$(stat -L -c '%h %s %u %f' /proc/self/fd/9) || not_now "the file to be filled cannot be looked at"
  case $made in
  "0 0 $own_user 8180") ;;
  "0 0 $own_user 8"*)
    unsupported "others may open what is made there, and could keep it: an access list of the directory perhaps"
    ;;
  *) not_now "the file to be filled is not a new one of its own" ;;
  esac
}

# Starts the holder, before there is anything to hold, and what keeps the floor and the deadline beside it.
hold_until_end() {
  read_clock || not_now "/proc/uptime tells no time; nothing was begun"
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

identity() {
  stat -L -c '%d:%i:%h' /proc/self/fd/9
}

# Sets $size, and $taken to the bytes that the file takes: fewer than its size where it has given some up.
look_at_file() { # descriptor
  looked=$(stat -L -c '%s %b %B' "$1" 2>/dev/null) || return 1
  are_numbers 3 "$looked" || return 1
  # shellcheck disable=SC2086 # split into fields
  set -- $looked
  size=$1 taken=$(($2 * $3))
}

# In steps of at most half of the room, measured anew before each: another writer would have to take the other half at
# once to get below what must stay free.
fill() {
  first=$free
  with="fallocate"
  is_full=0
  while [ "$is_full" = 0 ]; do
    look_at_file /proc/self/fd/9 || not_now "it cannot be told how much was filled"
    look_at_space || not_now "it cannot be seen any more how much space there is"
    # Some file systems tell late what was taken.
    [ "$free" -le $((first - size)) ] || free=$((first - size))
    room=$((free - leave))
    step=$((wanted - size))
    [ "$step" -le "$room" ] || step=$room
    [ "$step" -gt 0 ] || break
    read_clock || not_now "/proc/uptime tells no time"
    [ "$now" -lt "$ends_at" ] || not_now "it could not be filled before the deadline"
    most=$((room / 2 > 16 * mebibyte ? room / 2 / mebibyte * mebibyte : 16 * mebibyte))
    [ "$with" = fallocate ] || most=$((most < 64 * mebibyte ? most : 64 * mebibyte))
    [ "$step" -le "$most" ] || step=$most
    if [ "$with" = fallocate ]; then
      marking fallocate -o "$size" -l "$step" /proc/self/fd/9 2>/dev/null && continue
      # One that fails keeps what it has got, or is missing.
      shrink "$size"
      if ! look_at_space || [ "$free" -lt $((first - size - mebibyte)) ]; then write_down; fi
      with="dd"
    else
      write "$size" "$step"
    fi
  done
  look_at_file /proc/self/fd/9 || not_now "it cannot be told how much was filled"
  # Where it is not told yet what was taken.
  if ! look_at_space || [ "$free" -gt $((first - taken + mebibyte)) ]; then write_down; fi
  look_at_space || not_now "it cannot be seen any more how much space there is"
  # Where zeros are compressed, for instance. Where it has given way, nothing is free but what must be.
  [ "$taken" -ge $((size / 2)) ] || [ $((free - leave)) -lt $((size / 4)) ] ||
    unsupported "this file system allocates less than it is asked for"
}

write() { # from, length
  if [ $(($1 % mebibyte)) -eq 0 ] && [ "$2" -ge "$mebibyte" ]; then
    write_blocks "$mebibyte" $(($1 / mebibyte)) $(($2 / mebibyte))
    set -- $(($1 + $2 / mebibyte * mebibyte)) $(($2 % mebibyte))
  fi
  # No file system allocates less than these.
  [ "$2" -eq 0 ] || [ "$is_full" = 1 ] || write_blocks 512 $(($1 / 512)) $((($2 + 511) / 512))
}

write_blocks() { # size, from, count
  why=$(marking dd if=/dev/zero of=/proc/self/fd/9 "bs=$1" "seek=$2" "count=$3" conv=notrunc 2>&1) && return
  # SIGXFSZ.
  [ $? -ne 153 ] || why="a file may not have more bytes here (ulimit -f)"
  case $why in
  *"No space left on device"*)
    write_down
    look_at_space || not_now "it cannot be seen any more how much space there is"
    room=$((free - leave))
    # The last blocks of some file systems are nobody's. What others have taken is another matter.
    if [ "$room" -ge 0 ] && [ "$room" -le $((total / 100 + mebibyte)) ]; then
      is_full=1
      return
    fi
    ;;
  esac
  not_now "it cannot be filled: ${why%%
*}"
}

# File systems that copy on write count what was taken and given back only once they have written it down.
write_down() {
  sync -f -- "$path" 2>/dev/null || sync
}

shrink() { # to: dd cuts off what follows the place that it seeks
  dd if=/dev/null of=/proc/self/fd/9 bs=1 "seek=$1" count=0 2>/dev/null
}

# Gives back what the floor lacks. The file keeps its size, without what it has given up: that is how much that was.
give_way() {
  look_at_space || return 0
  [ "$free" -lt "$floor" ] || return 0
  look_at_file /proc/self/fd/9 || return 0
  keep=$((taken < size ? taken : size))
  keep=$((keep - floor + free))
  [ "$keep" -gt 0 ] || keep=0
  # To whole blocks, as large as they come.
  shrink $((keep / 65536 * 65536))
  shrink "$size"
  # Otherwise it would be given back once more.
  if ! look_at_space || [ "$free" -lt "$floor" ]; then write_down; fi
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

# Whether a process holds the file. The guard does not. Sets $size and $taken.
held_by() { # pid
  [ -e "/proc/$1/fd/9" ] || return 1
  is_of_fill "/proc/$1/fd/9" && look_at_file "/proc/$1/fd/9" && return
  [ ! -e "/proc/$1/fd/9" ] || not_now "what the process $1 holds cannot be looked at"
  return 1
}

# Whether it is the file: made by whoever began the fault, for nobody else to open, and without a name any more but in
# what the kernel remembers.
is_of_fill() { # descriptor
  name=$(exec readlink "$1") || {
    [ $? -lt 126 ] || not_now "files cannot be looked at: no command can be started"
    return 1
  }
  case $name in */".chaos-fill-$fault"*) ;; *) return 1 ;; esac
  stated=$(exec stat -L -c '%h %u %f' "$1" 2>/dev/null) || {
    [ $? -lt 126 ] || not_now "files cannot be looked at: no command can be started"
    # It was closed meanwhile.
    [ ! -e "$1" ] || not_now "the open file $1 cannot be looked at"
    return 1
  }
  [ "$stated" = "0 $whose 8180" ]
}

# Sets $open to how many processes have the file open, which is descriptor 9 to all of them: a process that is ending
# has lost its mark before it closes them. Only those of whoever began the fault can.
count_open() {
  open=0
  # To be found.
  exec 9</dev/null
  set +f
  set -- /proc/[0-9]*/fd/9
  set -f
  # By the owner of the process first: what others have called their files, and what is behind them, is not even looked
  # at.
  directories=
  for descriptor in "$@"; do directories="$directories ${descriptor%/fd/9}"; done
  # shellcheck disable=SC2086 # split into paths
  owners=$(stat -c '%u %n' $directories 2>/dev/null)
  set --
  for word in $owners; do
    case $word in
    "/proc/$$") set -- "$@" "$word/fd/9" ;;
    /proc/*) [ "$owner" != "$whose" ] || set -- "$@" "$word/fd/9" ;;
    *) owner=$word ;;
    esac
  done
  look_at_links "$@"
  exec 9<&-
  case $links in
  *" /proc/$$/fd/9 -> /dev/null"*) ;;
  *) not_now "the open files of processes cannot be seen here" ;;
  esac
  case $links in *"/.chaos-fill-$fault"*) ;; *) return 0 ;; esac
  for descriptor in "$@"; do
    case $links in *" $descriptor -> "*"/.chaos-fill-$fault"*) ;; *) continue ;; esac
    if is_of_fill "$descriptor"; then open=$((open + 1)); fi
  done
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
  made=$(stat -c '%u %s %h' -- "$fill_file") || not_now "it cannot be told whose file $fill_file is"
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
