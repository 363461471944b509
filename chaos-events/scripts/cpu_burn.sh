#!/bin/sh
# CPU burn: one burner for each core, a shell that keeps its own share of one core busy until its own clock ends it.
#
# In the environment, besides what common.sh names:
#   load    how much of one core each burner uses, in hundredths of a percent, from 1 to 10000
#   cores   how many burners; 0 for one on each core that there is
# shellcheck source-path=SCRIPTDIR source=common.sh
[ -n "${action-}" ] || . ./common.sh

preflight() {
  preflight_of_all
  printf 'cores=%s\n' "$(cores_here)"
}

# Those that this process may run on, where that can be told.
cores_here() {
  nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c '^processor' /proc/cpuinfo
}

start() {
  : "${load:?}" "${cores:?}"
  must_be_in_time
  here=$(cores_here)
  [ "$cores" -le "$here" ] || invalid "there are $here cores"
  [ "$cores" -gt 0 ] || cores=$here
  if [ -z "$(holders)" ]; then
    left_to_start=$cores
    while [ "$left_to_start" -gt 0 ]; do
      detached "load=$load" "ends_at=$ends_at"
      left_to_start=$((left_to_start - 1))
    done
  fi
  tries=0
  until [ "$(holders | grep -c .)" -ge "$cores" ]; do
    [ "$tries" -lt 250 ] || not_now "the burners do not start"
    tries=$((tries + 1))
    sleep 0.02
  done
  report_holders
}

# A burner. It compares the CPU time that it and its children have used with the time that has passed: behind, it spins; ahead, it
# sleeps. Without its children's time, which its sleeping costs, it would overshoot.
hold() { # uptime at the start, uptime at the end
  ticks=$(ticks_per_second)
  while :; do
    read -r uptime _ </proc/uptime
    passed=$((${uptime%.*} * 100 + 1${uptime#*.} - 100 - $1))
    [ $(($1 + passed)) -lt "$2" ] || break
    read -r stat </proc/$$/stat
    # shellcheck disable=SC2086 # split into fields
    used_by ${stat##*) }
    if [ $((used * 1000000 / ticks)) -le $((load * passed)) ]; then
      spins=500
      while [ "$spins" -gt 0 ]; do spins=$((spins - 1)); done
    else
      sleep 0.05 || exit 1
    fi
  done
  # Idle, for whoever wants to read how much it was.
  sleep 1
}

# Linux reports CPU time in these; where nothing tells how many, they are what they are on all but the rarest machines.
ticks_per_second() {
  getconf CLK_TCK 2>/dev/null || echo 100
}

used_by() { # fields of /proc/PID/stat from the third on; sets $used, in ticks
  used=$((${12} + ${13} + ${14} + ${15}))
}

status() {
  must_see_as_before
  burners=0
  total=0
  ticks=$(ticks_per_second)
  now=$(uptime)
  for burner in $(holders); do
    pid=${burner%.*}
    look_at "$pid" || continue
    # shellcheck disable=SC2086 # split into fields
    used_by $stat
    # Its last two arguments.
    # shellcheck disable=SC2046 # split into fields
    set -- $(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | tail -n 2)
    [ $# -eq 2 ] || continue
    burners=$((burners + 1))
    end=$(($2 < now ? $2 : now))
    [ "$end" -le "$1" ] || total=$((total + used * 1000000 / ticks / (end - $1)))
    [ "$now" -ge "$2" ] || echo "burning=$burner"
  done
  printf 'burners=%s\nprocesses=%s\n' "$burners" "$(marked | grep -c .)"
  [ "$burners" -eq 0 ] || echo "load_percent=$(seconds $((total / burners)))"
}

stop() {
  status
  stop_all
}

case $action in
preflight) preflight ;;
start) start ;;
hold) hold "$@" ;;
status) status ;;
stop) stop ;;
*) invalid "unknown action $action" ;;
esac
