#!/bin/sh
# Ends and removes what a fake of Azure Resource Manager made, once the process that the fake is in ends, in whatever
# way: its end of the pipe is closed then.
#
# janitor.sh PREFIX MARK DIRECTORY
#   PREFIX     of the names of the network namespaces
#   MARK       what every process that runs on a machine carries in its environment
#   DIRECTORY  of the machines
set -u
prefix=$1 mark=$2 directory=$3
trap '' HUP INT TERM
cat >/dev/null

left=50
while [ "$left" -gt 0 ]; do
  found=
  # Words and lines are the same here: these paths hold no blanks.
  # shellcheck disable=SC2013
  for environment in $(grep -lF "$mark" /proc/[0-9]*/environ 2>/dev/null); do
    process=${environment#/proc/}
    kill -9 "${process%/environ}" 2>/dev/null && found=yes
  done
  [ -n "$found" ] || break
  left=$((left - 1))
  sleep 0.1
done

for namespace in /run/netns/"$prefix"-*; do
  [ ! -e "$namespace" ] || ip netns delete "${namespace##*/}"
done
rm -rf /etc/netns/"$prefix"-* "$directory"
rmdir /etc/netns 2>/dev/null
exit 0
