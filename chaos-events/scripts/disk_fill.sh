#!/bin/sh
# Disk fill: a file that nobody sees, held by one `sleep` until the deadline. The kernel frees the space when that ends.
#
# In the environment, besides what common.sh names:
#   path      a directory on the file system to fill
#   unit      for start: what `amount` is: `percent`, the share that shall be in use, in hundredths of a percent; `bytes`, those to
#             take; `all_but`, the bytes to leave
#   amount
#   floor     for start: how many bytes stay free in any case
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
  need dd ls rm rmdir stat
  usable
  report_space
}

usable() {
  [ -e "$path" ] || invalid "there is no such directory"
  [ -d "$path" ] || invalid "it is not a directory"
  # Says so even where nothing has that name. To root some shells call everything writable.
  case $(LC_ALL=C rmdir -- "$fill_file" 2>&1) in
  *"Read-only"*) invalid "its file system is read-only" ;;
  esac
  look_at_space || unsupported "stat -f does not tell how much space there is"
  [ "$total" -gt 0 ] || invalid "it is on a file system that has no space of its own"
  { [ -w "$path" ] && [ -x "$path" ]; } || invalid "it may not be written to"
  # NFS, CIFS, FUSE and the like rename an open file instead of unlinking it, so that it could outlive this machine.
  case $(stat -f -c %t -- "$path") in
  6969 | 517b | ff534d42 | fe534d42 | 1021997 | 65735546 | 73757245 | 5346414f | 6b414653 | c36400 | bd00bd0 | 786f4256)
    unsupported "on a file system of the network or of FUSE a file could outlive its holder"
    ;;
  esac
}

# Sets $free, what others than root may still take, $used, and $total, their sum: what df takes percentages of.
look_at_space() {
  # shellcheck disable=SC2046 # split into fields
  set -- $(stat -f -c '%S %b %f %a' -- "$path" 2>/dev/null)
  [ $# -eq 4 ] || return 1
  free=$(($1 * $4))
  used=$(($1 * ($2 - $3)))
  total=$((free + used))
}

report_space() {
  look_at_space || return 0
  printf 'free=%s\nused=%s\ndevice=%s\n' "$free" "$used" "$(stat -L -c %d -- "$path")"
}

# Sets $wanted, the bytes to take, and $leave, those that must stay free.
plan() {
  case ${unit:?} in
  bytes) leave=0 wanted=${amount:?} ;;
  all_but) leave=${amount:?} wanted=$((free - leave)) ;;
  percent)
    # shellcheck disable=SC2017 # a product with the whole would overflow on the largest file systems
    leave=$((total - total / 10000 * ${amount:?} - total % 10000 * amount / 10000))
    wanted=$((free - leave))
    ;;
  *) invalid "unknown unit $unit" ;;
  esac
  [ "$leave" -ge "${floor:?}" ] || leave=$floor
}

start() {
  must_be_in_time
  find_processes
  if [ -n "$holders" ]; then
    report
    return
  fi
  usable
  [ "$(stat -L -c %d -- "$path")" = "${device:?}" ] || not_now "another file system is there than when it was looked at"
  plan
  if [ "$wanted" -le 0 ] || [ "$free" -le "$leave" ]; then
    if [ "$wanted" -le 0 ]; then
      echo "note=nothing was filled: it was as full as that already"
    else
      echo "note=nothing was filled: no more than the $floor bytes that must stay free were free"
    fi
    echo "bytes=0"
    report_space
    return
  fi
  open_unseen
  hold_until_end
  fill
  give_way
  holder_lives || not_now "the holder was killed in the meantime"
  trap - EXIT
  size=$(size_of_fill)
  # Bytes beyond the last block that there is room for are no news.
  [ $((wanted - size)) -lt 4096 ] || [ "$leave" -gt "$floor" ] ||
    echo "note=$((wanted - size)) bytes less than asked for: $floor bytes must stay free"
  printf 'holder=%s\nbytes=%s\n' "$kept" "$(bytes_of /proc/self/fd/9)"
  report_space
}

# The file is this program's descriptor 9, and has no name any more.
open_unseen() {
  if [ -e "$fill_file" ] || [ -L "$fill_file" ]; then not_now "something has the name of the file to be filled"; fi
  set -C
  command exec 9>"$fill_file" || not_now "no file can be created there"
  set +C
  rm -f -- "$fill_file"
  [ "$(stat -L -c '%h %s' /proc/self/fd/9)" = "0 0" ] || not_now "the file to be filled is not a new one"
}

# Starts the holder, before there is anything to hold, and what keeps the floor and the deadline beside it.
hold_until_end() {
  left=$((ends_at - $(uptime)))
  [ "$left" -gt 0 ] || not_now "the fault's deadline has passed; nothing was begun"
  env -i "$mark" "PATH=$PATH" setsid sleep "$(seconds "$left")" </dev/null >/dev/null 2>&1 &
  sleeper=$!
  look_at "$sleeper" || not_now "the holder does not start"
  # shellcheck disable=SC2086 # split into fields
  kept=$sleeper.$(field 20 $stat)
  detached "path=$path" "floor=$floor" "ends_at=$ends_at" "kept=$kept" "file=$(identity)" 9>&-
  # shellcheck disable=SC2031 # nor is it
  guard=$holder
  # Whatever fails from here on leaves nothing.
  trap 'kill -9 "$sleeper" "$guard" 2>/dev/null' EXIT
  tries=0
  # shellcheck disable=SC2086 # split into words
  until find_processes && [ "$(count $holders)" -ge 2 ]; do
    [ "$tries" -lt 250 ] || not_now "the holder and its guard do not start"
    tries=$((tries + 1))
    sleep 0.02
  done
}

holder_lives() {
  look_at "${kept%.*}" || return 1
  # shellcheck disable=SC2086 # split into fields
  [ "$(field 20 $stat)" = "${kept#*.}" ] && [ "${stat%% *}" != Z ] && [ "${stat%% *}" != X ]
}

field() { # number, fields...
  shift "$1"
  echo "$1"
}

identity() {
  stat -L -c '%d:%i:%h' /proc/self/fd/9
}

size_of_fill() {
  stat -L -c %s /proc/self/fd/9
}

bytes_of() { # descriptor
  # shellcheck disable=SC2046 # split into fields
  set -- $(stat -L -c '%b %B' "$1" 2>/dev/null)
  echo $((${1:-0} * ${2:-0}))
}

# In steps of at most half of the room, measured anew before each: another writer would have to take the other half at once to get
# below what must stay free.
fill() {
  first=$free
  with="fallocate"
  while :; do
    size=$(size_of_fill)
    look_at_space || not_now "it cannot be seen any more how much space there is"
    # Some file systems tell late what was taken.
    [ "$free" -le $((first - size)) ] || free=$((first - size))
    room=$((free - leave))
    step=$((wanted - size))
    [ "$step" -le "$room" ] || step=$room
    [ "$step" -gt 0 ] || break
    [ "$(uptime)" -lt "$ends_at" ] || not_now "it could not be filled before the deadline"
    most=$((room / 2 > 16 * mebibyte ? room / 2 / mebibyte * mebibyte : 16 * mebibyte))
    [ "$with" = fallocate ] || most=$((most < 64 * mebibyte ? most : 64 * mebibyte))
    [ "$step" -le "$most" ] || step=$most
    if [ "$with" = fallocate ]; then
      marking fallocate -o "$size" -l "$step" /proc/self/fd/9 2>/dev/null && continue
      # One that fails keeps what it has got, or is missing.
      shrink "$size"
      with="dd"
    else
      write "$size" "$step"
    fi
  done
  # Where zeros are compressed, for instance.
  size=$(size_of_fill)
  [ "$(bytes_of /proc/self/fd/9)" -ge $((size / 2)) ] || unsupported "this file system allocates less than it is asked for"
}

write() { # from, length
  if [ $(($1 % mebibyte)) -eq 0 ] && [ "$2" -ge "$mebibyte" ]; then
    write_blocks "$mebibyte" $(($1 / mebibyte)) $(($2 / mebibyte))
    set -- $(($1 + $2 / mebibyte * mebibyte)) $(($2 % mebibyte))
  fi
  # No file system allocates less than these.
  [ "$2" -eq 0 ] || write_blocks 512 $(($1 / 512)) $((($2 + 511) / 512))
}

write_blocks() { # size, from, count
  reason=$(marking dd if=/dev/zero of=/proc/self/fd/9 "bs=$1" "seek=$2" "count=$3" conv=notrunc 2>&1) ||
    not_now "it cannot be filled: ${reason%%
*}"
}

shrink() { # to: dd cuts off what follows the place that it seeks
  dd if=/dev/null of=/proc/self/fd/9 bs=1 "seek=$1" count=0 2>/dev/null
}

# Gives back what the floor lacks.
give_way() {
  look_at_space || return 0
  [ "$free" -lt "$floor" ] || return 0
  size=$(($(size_of_fill) - floor + free))
  [ "$size" -gt 0 ] || size=0
  # To whole blocks, as large as they come.
  shrink $((size / 65536 * 65536))
}

# Beside the holder: gives way to other writers, and ends what should have ended. The space is the holder's alone: this opens the file
# only for as long as it takes to shrink it.
hold() {
  : "${floor:?}" "${kept:?}" "${file:?}"
  while now=$(uptime) && [ "$now" -lt "$ends_at" ]; do
    holder_lives || exit 0
    if look_at_space && [ "$free" -lt "$floor" ] && command exec 9<>"/proc/${kept%.*}/fd/9"; then
      # Not that of another process that has got the holder's number.
      [ "$(identity)" != "$file" ] || give_way
      exec 9>&-
    fi
    left=$((ends_at - now))
    sleep "$(seconds $((left < 25 ? left : 25)))" || exit 1
  done
  look_around
  become stop "path=$path" "vantage=$here"
}

status() {
  must_see_as_before
  report
}

report() {
  bytes=0
  find_processes
  for holder in $holders; do
    # The guard has none.
    [ -e "/proc/${holder%.*}/fd/9" ] || continue
    echo "holder=$holder"
    bytes=$(bytes_of "/proc/${holder%.*}/fd/9")
  done
  # shellcheck disable=SC2086 # split into words
  printf 'bytes=%s\nprocesses=%s\nopen=%s\n' "$bytes" "$(count $processes)" "$(still_open)"
  report_space
}

# How many processes have the file open, which is descriptor 9 to all of them, whoever they are: a process that is ending has lost its mark before it closes them.
still_open() {
  set +f
  # shellcheck disable=SC2010 # no file names
  printf '%s\n' /proc/[0-9]*/fd/9 | xargs ls -l 2>/dev/null | grep -cF "/.chaos-fill-$fault"
}

stop() {
  free=
  status
  expected=${free:+$((free + bytes - bytes / 100))}
  stop_all
  # Where it was killed before that.
  if [ -e "$fill_file" ] || [ -L "$fill_file" ]; then rm -f -- "$fill_file"; fi
  patience_ends=$(($(uptime) + 300))
  until [ "$(still_open)" -eq 0 ]; do
    [ "$(uptime)" -lt "$patience_ends" ] || not_now "the file is still open"
    sleep 0.02
  done
  # The kernel may take another moment to give the space back. What others take meanwhile never comes back.
  patience_ends=$(($(uptime) + 100))
  until [ -z "$expected" ] || ! look_at_space || [ "$free" -ge "$expected" ] || [ "$(uptime)" -ge "$patience_ends" ]; do
    sleep 0.02
  done
}

case $action in
preflight) preflight ;;
start) start ;;
hold) hold "$@" ;;
status) status ;;
stop) stop ;;
*) invalid "unknown action $action" ;;
esac
