#!/bin/sh
# What the scripts of the host faults share: the clock that a deadline is told in.
#
# A part of common.sh, which says what its variables mean.
# shellcheck disable=SC2034,SC2154,SC2317

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
  read_clock || not_now "/proc/uptime contains no time"
  echo "$now"
}

# Sets $left, in hundredths of a second. For start: ends it where there is nothing left to begin for.
must_be_in_time() {
  : "${boot_id:?}" "${ends_at:?}" "${at_most:?}" "${program:?}"
  if ! is_number "$ends_at" || ! is_number "$at_most"; then invalid "the deadline is no number: $ends_at, $at_most"; fi
  boot=
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  [ "$boot" = "$boot_id" ] || not_now "the machine has rebooted since this was prepared; nothing was begun"
  read_clock || not_now "/proc/uptime contains no time; nothing was begun"
  left=$((ends_at - now))
  [ "$left" -gt 0 ] || not_now "the fault's deadline has passed; nothing was begun"
  # A container that has restarted may count its uptime anew, in the same boot.
  [ "$left" -le "$at_most" ] || not_now "the machine's uptime has gone back since this was prepared; nothing was begun"
}

seconds() { # of hundredths: 105 is 1.05
  printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}
