#!/bin/sh
# Disk fill: the file that takes the space, how it grows and gives way, and who has it open.
#
# A part of disk_fill.sh, which says what its variables mean and calls its functions.
# shellcheck disable=SC2034,SC2154,SC2317

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
    unsupported "other users could open a new file there and keep it; perhaps the directory has an access list"
    ;;
  *) not_now "the file to be filled is not a new one of its own" ;;
  esac
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
    look_at_file /proc/self/fd/9 || not_now "it is unknown how much was filled"
    look_at_space || not_now "it is no longer known how much space there is"
    # Some file systems tell late what was taken.
    [ "$free" -le $((first - size)) ] || free=$((first - size))
    room=$((free - leave))
    step=$((wanted - size))
    [ "$step" -le "$room" ] || step=$room
    [ "$step" -gt 0 ] || break
    read_clock || not_now "/proc/uptime contains no time"
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
  look_at_file /proc/self/fd/9 || not_now "it is unknown how much was filled"
  # Where it is not told yet what was taken.
  if ! look_at_space || [ "$free" -gt $((first - taken + mebibyte)) ]; then write_down; fi
  look_at_space || not_now "it is no longer known how much space there is"
  # Where zeros are compressed, for instance. Where it has given way, nothing is free but what must be.
  [ "$taken" -ge $((size / 2)) ] || [ $((free - leave)) -lt $((size / 4)) ] ||
    unsupported "this file system allocates less than requested"
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
    look_at_space || not_now "it is no longer known how much space there is"
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
