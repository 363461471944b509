#!/bin/sh
# Network blackhole, by iptables, where there is no nft: chains of its own for each family, ahead of all others.
#
# A part of network_blackhole.sh, which says what its variables mean and calls its functions.
# shellcheck disable=SC2034,SC2154,SC2317

iptables_program() { # 4 or 6; $ends_on
  family=$1
  echo '*filter'
  for chain in input output forward; do
    own_chain "$chain"
    echo ":$named - [0:0]"
  done
  rule() { iptables_rule "$@"; }
  loopback() {
    if [ "$1" = input ]; then iptables_add "$1" -i lo -j RETURN; else iptables_add "$1" -o lo -j RETURN; fi
  }
  neighbours() {
    [ "$family" = 6 ] || return 0
    for type in 130 131 132 133 134 135 136 143; do iptables_add "$1" -p icmpv6 --icmpv6-type "$type" -j RETURN; done
  }
  all_rules
  for chain in input output forward; do
    own_chain "$chain"
    echo "-I $builtin 1 -j $named"
  done
  echo COMMIT
}

own_chain() { # chain; sets $named, which may have 28 characters at most, and $builtin, where it is called
  case $1 in
  input) named="$chains-in" builtin=INPUT ;;
  output) named="$chains-out" builtin=OUTPUT ;;
  forward) named="$chains-via" builtin=FORWARD ;;
  esac
}

iptables_rule() { # as all_rules says
  verdict='-j RETURN'
  # Where the kernel can, it ends the rule by its own clock, to the second.
  [ "$2" = open ] || verdict="${ends_on:+-m time --datestop $ends_on }-j DROP"
  case $4$family in
  -?) addresses=- ;;
  hosts4) addresses=$hosts4 ;;
  hosts6) addresses=$hosts6 ;;
  open4) addresses=$open4 ;;
  open6) addresses=$open6 ;;
  esac
  if [ "$3" = source ]; then address_of=-s; else address_of=-d; fi
  if [ "$6" = source ]; then port_of=--sport own_side=-s; else port_of=--dport own_side=-d; fi
  own_address=
  case $8 in
  -) ;;
  *:*) [ "$family" = 6 ] || return 0 ;;
  *) [ "$family" = 4 ] || return 0 ;;
  esac
  case $8 in
  - | 0.0.0.0 | ::) ;;
  *) own_address="$own_side $8 " ;;
  esac
  IFS=,
  for address in $addresses; do
    for port in $7; do
      match=
      [ "$address" = - ] || match="$address_of $address "
      # A range is written with a colon here.
      [ "$port" = - ] || match="$match-p $5 $port_of ${port%-*}:${port#*-} "
      iptables_add "$1" "$own_address$match$verdict"
    done
  done
  unset IFS
}

iptables_add() { # chain, rule...
  own_chain "$1"
  shift
  echo "-A $named $*"
}

ipv6_is_in_use() {
  [ -r /proc/net/if_inet6 ] && read -r _ </proc/net/if_inet6
}

# Whether there is anything to drop, and to drop it with, for IPv6.
ipv6_matters() {
  ipv6_is_in_use || return 1
  case $own in
  '' | */*:*/*) ;;
  *) return 1 ;;
  esac
  [ "$by_host" = 0 ] || [ -n "$hosts6" ]
}

# Sets $commands to those that may hold chains here, where it was not said which do. Asking the older kind would load
# its kernel module where nobody uses it, and the newer one cannot read every table that nft can.
iptables_in_use() {
  commands=
  for command in iptables ip6tables; do
    command -v "$command" >/dev/null 2>&1 || continue
    kind=$("$command" -V 2>&1) || not_now "$command cannot look: $(reason "$kind")"
    case $kind in
    *nf_tables*)
      if command -v nft >/dev/null 2>&1; then
        listed=$(nft list table "${command%tables}" filter 2>&1)
        case $?:$listed in
        *"$chains-"*) ;;
        0:* | 1:"Error: "*"No such file or directory"*) continue ;;
        esac
      fi
      ;;
    *)
      loaded="/proc/net/${command%tables}_tables_names"
      [ -r "$loaded" ] || continue
      : <"$loaded" || not_now "$loaded cannot be read"
      read -r _ <"$loaded" || continue
      ;;
    esac
    commands="$commands $command"
  done
}

# A look: every rule there is, and among them the one that every list begins with.
look_with_iptables() { # command
  listed=$("$1" -w 5 -v -S 2>&1) || not_now "$1 cannot look: $(reason "$listed")"
  is_seen=
  IFS=$newline
  for line in $listed; do
    case $line in
    "-P INPUT "*) is_seen=1 ;;
    "-N $chains-"*) found="${found}left=$1 chain ${line#-N }$newline" ;;
    "-A INPUT "*"-j $chains-in"*) hooks=$((hooks + 1)) ;;
    "-A $chains-"*" -c "*"-j DROP"*)
      packets=${line#*" -c "}
      packets=${packets%% *}
      if is_number "$packets"; then dropped=$((dropped + packets)); fi
      ;;
    esac
  done
  unset IFS
  [ -n "$is_seen" ] || not_now "$1 does not report which rules there are"
}

# Ends what they do, and leaves them to be read.
iptables_unhook() { # command
  for chain in input output forward; do
    tries=0
    own_chain "$chain"
    while [ "$tries" -lt 10 ] && "$1" -w 5 -D "$builtin" -j "$named" 2>/dev/null; do tries=$((tries + 1)); done
  done
}

iptables_remove() { # command
  iptables_unhook "$1"
  for chain in input output forward; do
    own_chain "$chain"
    "$1" -w 5 -F "$named" 2>/dev/null && "$1" -w 5 -X "$named"
  done
}
