#!/bin/sh
# Network blackhole: what is dropped and what is let through, whoever carries it out.
#
# A part of network_blackhole.sh, which says what its variables mean and calls its functions.
# shellcheck disable=SC2034,SC2154,SC2317

# Calls `rule CHAIN drop|open SIDE SET PROTOCOL SIDE PORTS ADDRESS`, `loopback CHAIN` and `neighbours CHAIN`; SIDE is
# source or destination, SET is hosts or open, ADDRESS is this side's, and - stands for any.
all_rules() {
  openings_of input source
  openings_of output destination
  [ "$ingress" = 0 ] || drops input source destination
  if [ "$egress" = 0 ]; then :; elif [ -n "$own" ]; then drops output destination source; else
    drops output destination destination
  fi
  [ -z "$own" ] || return 0
  # What is only forwarded has no direction, unless the hosts tell.
  openings_of forward source
  openings_of forward destination
  if [ "$by_host" = 1 ]; then
    [ "$ingress" = 0 ] || drops forward source destination
    [ "$egress" = 0 ] || drops forward destination destination
  elif [ "$ingress$egress" = 11 ]; then
    drops forward - destination
  fi
}

openings_of() { # chain, side of the other end
  # A connection to this side's port is seen from both ends.
  if [ "$2" = source ]; then this=destination; else this=source; fi
  [ -z "$open_local_tcp" ] || rule "$1" open - - tcp "$this" "$open_local_tcp" -
  [ -z "$open4$open6" ] || rule "$1" open "$2" open - - - -
  [ "$1 $2" != 'forward destination' ] || return 0
  [ "$open_loopback" = 0 ] || [ "$1" = forward ] || loopback "$1"
  [ "$open_neighbours" = 0 ] || neighbours "$1"
  for side in source destination; do
    [ -z "$open_tcp" ] || rule "$1" open - - tcp "$side" "$open_tcp" -
    [ -z "$open_udp" ] || rule "$1" open - - udp "$side" "$open_udp" -
  done
}

drops() { # chain, side of the hosts, side of the ports
  set_of_hosts=-
  [ "$by_host" = 0 ] || set_of_hosts=hosts
  if [ -n "$own" ]; then
    for socket in $own; do
      address_and_ports=${socket#*/}
      rule "$1" drop "$2" "$set_of_hosts" "${socket%%/*}" "$3" "${address_and_ports#*/}" "${address_and_ports%%/*}"
    done
  elif [ "$by_port" = 1 ]; then
    [ -z "$tcp" ] || rule "$1" drop "$2" "$set_of_hosts" tcp "$3" "$tcp" -
    [ -z "$udp" ] || rule "$1" drop "$2" "$set_of_hosts" udp "$3" "$udp" -
  else
    rule "$1" drop "$2" "$set_of_hosts" - - - -
  fi
}

# Adds what the names mean now. Nothing has begun yet.
resolve_names() {
  resolve "$names"
  hosts4=$hosts4${hosts4:+${found4:+,}}$found4 hosts6=$hosts6${hosts6:+${found6:+,}}$found6
  resolve "$open_names"
  open4=$open4${open4:+${found4:+,}}$found4 open6=$open6${open6:+${found6:+,}}$found6
}

resolve() { # names; sets $found4 and $found6
  found4='' found6=''
  IFS=,
  # shellcheck disable=SC2086 # split at commas
  set -- $1
  unset IFS
  for name in "$@"; do
    answer=$(getent ahosts "$name") || not_now "the name $name means no address here"
    [ -n "$answer" ] || not_now "the name $name means no address here"
    IFS='
'
    for line in $answer; do
      address=${line%%[[:space:]]*}
      case ,$found4,$found6, in *,"$address",*) continue ;; esac
      case $address in
      '' | *[!0-9a-fA-F:.]*) not_now "the name $name means something that is no address" ;;
      *:*) found6=$found6${found6:+,}$address ;;
      *) found4=$found4${found4:+,}$address ;;
      esac
    done
    unset IFS
  done
}
