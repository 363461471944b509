#!/bin/sh
# Network blackhole, by nftables: one table, whose drop rules ask a set that the kernel empties at the deadline.
#
# A part of network_blackhole.sh, which says what its variables mean and calls its functions.
# shellcheck disable=SC2034,SC2154,SC2317

nft_program() { # flags of the table; $left
  printf 'create table inet %s%s; ' "$table" "$1"
  lease="$((left / 100))s$((left % 100 * 10))ms"
  printf 'add set inet %s lease { type nf_proto; flags timeout; }; ' "$table"
  nft_addresses hosts4 ipv4_addr "$hosts4"
  nft_addresses hosts6 ipv6_addr "$hosts6"
  nft_addresses open4 ipv4_addr "$open4"
  nft_addresses open6 ipv6_addr "$open6"
  for chain in input output forward; do
    printf 'add chain inet %s %s { type filter hook %s priority -300; policy accept; }; ' "$table" "$chain" "$chain"
  done
  rule() { nft_rule "$@"; }
  loopback() {
    if [ "$1" = input ]; then nft_add "$1" 'iifname "lo" accept'; else nft_add "$1" 'oifname "lo" accept'; fi
  }
  # Multicast listeners too: a switch that does not see them cuts off the neighbours' questions.
  neighbours() { nft_add "$1" 'icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 143 } accept'; }
  all_rules
  printf 'add element inet %s lease { ipv4 timeout %s, ipv6 timeout %s }\n' "$table" "$lease" "$lease"
}

nft_addresses() { # set, type, list
  [ -n "$3" ] || return 0
  printf 'add set inet %s %s { type %s; flags interval; auto-merge; }; ' "$table" "$1" "$2"
  printf 'add element inet %s %s { %s }; ' "$table" "$1" "$3"
}

nft_rule() { # as all_rules says
  verdict=accept
  [ "$2" = open ] || verdict='meta nfproto @lease counter drop'
  ports=
  case $6 in
  source) ports="$5 sport { $7 } " own_side=saddr ;;
  destination) ports="$5 dport { $7 } " own_side=daddr ;;
  esac
  own_family=46
  case $8 in
  -) ;;
  0.0.0.0) own_family=4 ports="meta nfproto ipv4 $ports" ;;
  ::) own_family=6 ports="meta nfproto ipv6 $ports" ;;
  *:*) own_family=6 ports="ip6 $own_side $8 $ports" ;;
  *) own_family=4 ports="ip $own_side $8 $ports" ;;
  esac
  case $4 in
  -)
    nft_add "$1" "$ports$verdict"
    return
    ;;
  hosts) v4=$hosts4 v6=$hosts6 ;;
  open) v4=$open4 v6=$open6 ;;
  esac
  if [ "$3" = source ]; then address=saddr; else address=daddr; fi
  [ -z "$v4" ] || [ "$own_family" = 6 ] || nft_add "$1" "ip $address @${4}4 $ports$verdict"
  [ -z "$v6" ] || [ "$own_family" = 4 ] || nft_add "$1" "ip6 $address @${4}6 $ports$verdict"
}

nft_add() { # chain, rule
  printf 'add rule inet %s %s %s; ' "$table" "$1" "$2"
}

# A look: the list of the table, or nft's own word that there is none.
look_with_nft() {
  listed=$(nft list table inet "$table" 2>&1)
  case $?:$listed in
  0:*) ;;
  # In the words of nft, and not of whatever should have started it.
  1:"Error: "*"No such file or directory"*) return 0 ;;
  *) not_now "nft cannot look: $(reason "$listed")" ;;
  esac
  found="${found}left=table inet $table$newline"
  case $listed in *" expires "*) hooks=$((hooks + 1)) ;; esac
  before=
  for word in $listed; do
    if [ "$before" = packets ] && is_number "$word"; then dropped=$((dropped + word)); fi
    before=$word
  done
}

nft_remove() {
  # The kernel may take a moment over a table whose holder has ended.
  tries=0
  until nft delete table inet "$table" 2>/dev/null || [ "$tries" -ge 100 ]; do
    case $(nft list table inet "$table" 2>&1) in "Error: "*"No such file or directory"*) return ;; esac
    tries=$((tries + 1))
    sleep 0.01
  done
}
