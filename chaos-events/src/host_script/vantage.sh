#!/bin/sh
# What the scripts of the host faults share: from where they look.
#
# A part of common.sh, which says what its variables mean.
# shellcheck disable=SC2034,SC2154,SC2317

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
  here_pids=$(readlink /proc/self/ns/pid) || not_now "it is unknown which namespace of processes this is"
  here_users=$(readlink /proc/self/ns/user) || not_now "it is unknown which namespace of users this is"
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
  not_now "/proc/self/status does not report which user this is"
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
    not_now "it is unknown from where the fault was begun"
  fi
  fault_capabilities=$6
  is_boot "$2" || not_now "it is unknown in which boot the fault was begun: $2"
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
