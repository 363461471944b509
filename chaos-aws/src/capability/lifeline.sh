#!/bin/sh
# What Systems Manager reaches this instance through.
#
# In the environment: names, those of the service's endpoints, separated by blanks.
#
# Prints a line `means ADDRESS` for each address that one of the names means here, and `connected ADDRESS:PORT`, in the
# hexadecimal of /proc/net/tcp, for each connection that its agent has: they last longer than a name goes on to mean the
# same address.
set -u
: "${names:?}"

# What a name that is not known here would mean is not needed here.
if command -v getent >/dev/null 2>&1; then
  for name in $names; do
    getent ahosts "$name" | while read -r address _; do echo "means $address"; done
  done
fi

# The agent is among those who have started this script.
process=$PPID
sockets=
while [ "$process" -gt 1 ]; do
  # Only its own user and root can see what it has open.
  # shellcheck disable=SC2012 # one process for all of them, which are numbers
  found=$(ls -l "/proc/$process/fd" 2>/dev/null | while read -r line; do
    case $line in *'-> socket:['*) echo "${line##*socket:[}" ;; esac
  done)
  sockets="$sockets $(echo "$found" | tr -d ']' | tr '\n' ' ')"
  { stat=$(cat "/proc/$process/stat"); } 2>/dev/null || break
  # What comes after the name, which may hold anything: the state, and then the parent.
  stat=${stat##*) ? }
  process=${stat%% *}
done
[ -n "${sockets# }" ] || exit 0
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r "$table" ] || continue
  while read -r _ _ remote state _ _ _ _ _ socket _; do
    # 01 is established.
    case "$state $sockets " in "01 "*" $socket "*) echo "connected $remote" ;; esac
  done <"$table"
done
