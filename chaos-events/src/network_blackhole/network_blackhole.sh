#!/bin/sh
# Network blackhole: packets are dropped until the deadline, by rules that the kernel takes back.
#
# In the environment, besides what common.sh names. Lists are separated by commas; a port may be a range, as 80-90.
#   ingress, egress         1 for each direction that is dropped
#   by_host                 1 where only traffic with certain hosts is: hosts4, hosts6, and what the names mean at the
#                           start
#   by_port                 1 where only traffic of certain ports is: tcp, udp
#   own                     where only traffic of this side's own sockets is: PROTOCOL/ADDRESS/PORTS, with blanks
#                           between them; 0.0.0.0 and :: are every address of their family
#   carried_by              for all but the preflight, which says it: the commands that load the rules, nft, iptables or
#                           iptables and ip6tables; nothing, where an earlier version did not say it
#   network                 for status and stop: the network namespace that the rules are in, as the preflight said
#   open_loopback, open_neighbours, open4, open6, open_names, open_tcp, open_udp, open_local_tcp
#                           what is let through nevertheless
# Between common.sh and this text come its parts: rules.sh, nft.sh and iptables.sh.
# shellcheck source-path=SCRIPTDIR source=../host_script/common.sh
[ -n "${action-}" ] || . ../host_script/common.sh
# shellcheck source-path=SCRIPTDIR source=rules.sh
[ -n "${action-}" ] || . ./rules.sh
# shellcheck source-path=SCRIPTDIR source=nft.sh
[ -n "${action-}" ] || . ./nft.sh
# shellcheck source-path=SCRIPTDIR source=iptables.sh
[ -n "${action-}" ] || . ./iptables.sh

table="chaos_$fault"
chains="CHAOS-$fault"
# What carries the fault beside this program.
tools="sleep nft iptables-restore ip6tables-restore"
newline='
'

preflight() {
  preflight_of_all
  parameters_are_given
  [ -z "$names$open_names" ] || need getent
  resolve_names
  left=100
  choose_backend
  # The way back is walked once, before the way in.
  look_for_rules
  [ -z "$found" ] || not_now "there are rules of this fault already"
  network=$(readlink /proc/self/ns/net) || unsupported "the network namespace is unknown"
  printf 'backend=%s\ncarried_by=%s\nnetwork=%s\n' "$backend" "$carried_by" "$network"
}

parameters_are_given() {
  : "${ingress:?}" "${egress:?}" "${by_host:?}" "${by_port:?}" "${open_loopback:?}" "${open_neighbours:?}"
  : "${own?}" "${hosts4?}" "${hosts6?}" "${names?}" "${tcp?}" "${udp?}"
  : "${open4?}" "${open6?}" "${open_names?}" "${open_tcp?}" "${open_udp?}" "${open_local_tcp?}"
}

# --- Which of them carries it out. ---

# Sets $backend: owner, a table that ends with its holder; table, one that has to be removed; iptables, chains that have
# to be. And $carried_by. Changes nothing.
choose_backend() {
  look_at_self
  [ $((0x$own_capabilities & 0x1000)) -ne 0 ] ||
    unsupported "this needs the right to change the network: root, or CAP_NET_ADMIN"
  no_nft='the command nft is missing'
  if command -v nft >/dev/null 2>&1; then
    backend=owner carried_by=nft
    nft_program ' { flags owner; }' | nft -c -f - >/dev/null 2>&1 && return
    backend=table
    no_nft=$(nft_program '' | nft -c -f - 2>&1) && return
    no_nft="nft: $(reason "$no_nft")"
  fi
  backend=iptables carried_by=iptables
  for name in iptables iptables-restore; do
    command -v "$name" >/dev/null 2>&1 || unsupported "$no_nft; the command $name is missing"
  done
  deadline_for_iptables
  iptables_try 4 iptables-restore
  # What the names mean may be another thing at the start.
  if ipv6_matters || { ipv6_is_in_use && [ -n "$names" ]; }; then
    for name in ip6tables ip6tables-restore; do
      command -v "$name" >/dev/null 2>&1 || unsupported "$no_nft; IPv6 is in use, and the command $name is missing"
    done
    iptables_try 6 ip6tables-restore
    carried_by="iptables ip6tables"
  fi
}

iptables_try() { # 4 or 6, command
  no_iptables=$(iptables_program "$1" | "$2" -w 5 --test --noflush 2>&1) && return
  ends_on=
  no_iptables=$(iptables_program "$1" | "$2" -w 5 --test --noflush 2>&1) ||
    unsupported "$no_nft; $2: $(reason "$no_iptables")"
}

deadline_for_iptables() { # $left; sets $ends_on, which may be empty
  ends_on=
  time_of_day=$(date +%s) && is_number "$time_of_day" || return 0
  ends_on=$(date -u -d "@$((time_of_day + left / 100))" +%Y-%m-%dT%H:%M:%S 2>/dev/null) || ends_on=
  case $ends_on in *[!0-9T:-]*) ends_on= ;; esac
}

reason() { # output of a command
  printf '%s\n' "$1" | while IFS= read -r line; do
    [ -n "$line" ] || continue
    printf '%s\n' "${line#*Error: }"
    break
  done
}

# --- Start, and what it leaves behind. ---

start() {
  must_be_in_time
  parameters_are_given
  find_processes
  if [ -z "$holders" ]; then
    planned=${carried_by?}
    remove
    resolve_names
    must_be_in_time
    choose_backend
    # The recovery looks with what was planned.
    [ "$carried_by" = "$planned" ] || not_now "the rules would be loaded by $carried_by now, and were to be by $planned"
    begin
  elif ! appears 200; then
    give_up "another start of this fault does not end"
  fi
  case ${backend-} in
  table)
    echo "note=this nft or this kernel knows no tables that end with their holder: the rules end at the deadline in" \
      "the kernel, and should the process be killed that removes them, they are left until the recovery, without" \
      "effect"
    ;;
  iptables)
    without_effect=
    if [ -n "$ends_on" ]; then
      without_effect=", without effect from the deadline on by the time of day"
      without_effect="$without_effect, which is later where that is set back"
    fi
    echo "note=there is no nftables here, and iptables rules do not end with their holder: should the process be" \
      "killed that removes them at the deadline, they are left until the recovery$without_effect"
    ;;
  esac
  report_holders
}

begin() {
  if [ "$backend" = owner ]; then
    hold_with_owner
    appears 200 && return
    # Some builds of nft cannot be fed one line after the other.
    end_holders
    must_be_in_time
    backend=table
  fi
  detached "backend=$backend" "carried_by=$carried_by" "ends_at=$ends_at" "ingress=$ingress" "egress=$egress" \
    "by_host=$by_host" "by_port=$by_port" "own=$own" \
    "hosts4=$hosts4" "hosts6=$hosts6" "tcp=$tcp" "udp=$udp" "open_loopback=$open_loopback" \
    "open_neighbours=$open_neighbours" "open4=$open4" "open6=$open6" "open_tcp=$open_tcp" "open_udp=$open_udp" \
    "open_local_tcp=$open_local_tcp" "ends_on=${ends_on-}"
  appears 500 || give_up "the rules could not be loaded"
}

# The table lives as long as this nft does, which lives as long as its input, which only this sleep holds open. It lasts
# a little longer than the rules drop, so that what they dropped can be read.
hold_with_owner() {
  # HOME, because nft would write a history there.
  {
    left=$((ends_at - $(uptime)))
    [ "$left" -gt 0 ] || exit
    nft_program ' { flags owner; }'
    exec env -i "$mark" "PATH=$PATH" setsid sleep "$(seconds $((left + 100)))"
  } 2>/dev/null </dev/null |
    {
      exec env -i "$mark" "PATH=$PATH" LC_ALL=C HOME=/dev/null INPUTRC=/dev/null TERM=dumb setsid nft -i
    } >/dev/null 2>&1 &
  holder=$!
}

# Waits until the rules are in effect. False where whoever should load them has ended, or takes too long.
appears() { # hundredths of a second
  waited=0
  until is_in_effect; do
    [ "$waited" -lt "$1" ] || return 1
    [ -z "${holder-}" ] || { look_at "$holder" && case $stat in Z*) false ;; esac; } || { is_in_effect; return; }
    waited=$((waited + 1))
    sleep 0.01
  done
}

# With all that carries them.
is_in_effect() {
  look_for_rules
  needed=1
  [ "$carried_by" != "iptables ip6tables" ] || ! ipv6_matters || needed=2
  [ "$hooks" -ge "$needed" ]
}

give_up() { # why
  end_holders
  remove
  not_now "$1; nothing is left of it"
}

end_holders() {
  tries=0
  while find_processes && [ -n "$holders" ]; do
    for found in $holders; do
      if [ "$tries" -ge 50 ]; then
        kill -9 -- "-${found%.*}" 2>/dev/null
      elif [ "$tries" -eq 0 ]; then
        kill -TERM "${found%.*}" 2>/dev/null
        # It may have been stopped.
        kill -CONT "${found%.*}" 2>/dev/null
      fi
    done
    [ "$tries" -le 50 ] || break
    tries=$((tries + 1))
    sleep 0.01
  done
}

# The janitor, where the kernel does not remove the rules by itself. It loads them too, so that there are none without
# it.
hold() { # from=, the uptime at the start, until=, the uptime at the end
  sleeper=
  trap 'remove; [ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; exit 0' TERM
  over=${2#until=}
  is_number "$over" || exit 64
  left=$((over - $(uptime)))
  [ "$left" -gt 0 ] || exit 1
  if ! load; then
    remove
    exit 1
  fi
  nap $((over - $(uptime)))
  [ "$backend" != iptables ] || for command in $carried_by; do iptables_unhook "$command"; done
  # What they dropped can be read for a moment.
  nap 100
  remove
}

nap() { # hundredths of a second
  [ "$1" -gt 0 ] || return 0
  # In the background, so that a signal is not kept waiting.
  env -i "$mark" "PATH=$PATH" sleep "$(seconds "$1")" &
  sleeper=$!
  wait "$sleeper"
  sleeper=
}

load() {
  if [ "$backend" = table ]; then
    nft_program '' | marking nft -f -
  else
    iptables_program 4 | marking iptables-restore -w 5 --noflush || return
    ipv6_matters || return 0
    iptables_program 6 | marking ip6tables-restore -w 5 --noflush
  fi
}

# --- How it stands, and its end. ---

# Sets $found to lines that say which rules of the fault there are; $hooks to in how many places they take effect;
# $dropped to how many packets they have dropped. With what has loaded them: its word counts, and no tool that is
# missing has seen nothing.
look_for_rules() {
  found='' hooks=0 dropped=0
  [ -z "${network_is_gone-}" ] || return 0
  # It comes from a journal, and is run.
  case $carried_by in
  '' | nft | iptables | 'iptables ip6tables') commands=$carried_by ;;
  *) not_now "these carry no blackhole: $carried_by" ;;
  esac
  if [ -z "$commands" ]; then
    iptables_in_use
    ! command -v nft >/dev/null 2>&1 || commands="nft $commands"
    [ -n "$commands" ] || need_to_look iptables
  fi
  for command in $commands; do
    need_to_look "$command"
    if [ "$command" = nft ]; then look_with_nft; else look_with_iptables "$command"; fi
  done
}

need_to_look() { # command
  command -v "$1" >/dev/null 2>&1 || not_now "the command $1 is missing, without which no rules can be seen here"
}

# Takes away what a look finds.
remove() {
  look_for_rules
  [ -n "$found" ] || return 0
  for command in $commands; do
    if [ "$command" = nft ]; then nft_remove; else iptables_remove "$command"; fi
  done
}

# Looks for rules in the network that they were loaded in, should this be another one: that of a process that is gone,
# perhaps.
look_where_they_are() {
  own_network=$(readlink /proc/self/ns/net) || not_now "the network namespace is unknown"
  [ "$has_rebooted" = 0 ] && [ "$own_network" != "${network:?}" ] || return 0
  inode=${network#net:\[}
  if ! is_number "${inode%\]}" || [ "$network" != "net:[${inode%\]}]" ]; then not_now "this is no network: $network"; fi
  find_network
  # A network that is nowhere any more took its rules with it.
  if [ -z "$place" ]; then
    network_is_gone=1
    return
  fi
  entered=$(nsenter "--net=$place" readlink /proc/self/ns/net 2>/dev/null)
  [ "$entered" = "$network" ] ||
    not_now "the rules are in another network of this machine, which cannot be entered from here: recover from there"
  if command -v nft >/dev/null 2>&1; then
    nft() { nsenter "--net=$place" nft "$@"; }
  fi
  if command -v iptables >/dev/null 2>&1; then
    iptables() { nsenter "--net=$place" iptables "$@"; }
  fi
  if command -v ip6tables >/dev/null 2>&1; then
    ip6tables() { nsenter "--net=$place" ip6tables "$@"; }
  fi
}

# Sets $place to where it can be entered, or to nothing: a process in it, or where it is mounted.
find_network() {
  place='' is_seen=
  while read -r _ _ _ root point _; do
    [ "$root" != / ] || is_seen=1
    [ "$root" != "$network" ] || place=$point
  done </proc/self/mountinfo
  [ -n "$is_seen" ] || not_now "it is unknown what is mounted here"
  [ -z "$place" ] || return 0
  set +f
  set -- /proc/[0-9]*/ns/net
  set -f
  look_at_links "$@"
  networks=$links
  case $networks in
  *" /proc/$$/ns/net -> $own_network"*) ;;
  *) not_now "the networks of processes cannot be seen here" ;;
  esac
  IFS=$newline
  for line in $networks; do
    case $line in *" -> $network")
      place=${line% -> *}
      place=${place##* }
      ;;
    esac
  done
  unset IFS
  [ -z "$place" ] || return 0
  # Any of those that cannot be looked at may be in it.
  [ $((0x$own_capabilities & 0x80000)) -ne 0 ] || case $complaints in
  *": Permission denied"* | *": Operation not permitted"*)
    not_now "the networks of some processes cannot be seen here: recover as root, with CAP_SYS_PTRACE"
    ;;
  esac
}

status() {
  must_see_as_before
  look_where_they_are
  report
}

report() {
  look_for_rules
  printf '%s' "$found"
  find_processes
  for holder in $holders; do printf 'left=process %s\nholder=%s\n' "${holder%.*}" "$holder"; done
  echo "in_effect=$hooks"
  [ -z "$found" ] || echo "dropped_packets=$dropped"
}

stop() {
  must_see_as_before
  look_where_they_are
  report
  # First by request: whoever removes its rules itself may do so where this cannot reach, in another network namespace.
  end_holders
  stop_all
  remove
  look_for_rules
  [ -z "$found" ] || not_now "still there: $found"
}

case $action in
preflight) preflight ;;
start) start ;;
hold) hold "$@" ;;
status) status ;;
stop) stop ;;
*) invalid "unknown action $action" ;;
esac
