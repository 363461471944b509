#!/bin/sh
# CPU burn: one burner for each core, a shell that keeps its own share of one core busy until its own clock ends it.
#
# In the environment, besides what common.sh names:
#   load    how much of one core each burner uses, in hundredths of a percent, from 1 to 10000
#   cores   how many burners; 0 for one on each core that there is
# shellcheck source-path=SCRIPTDIR source=../host_script/common.sh
[ -n "${action-}" ] || . ../host_script/common.sh

preflight() {
  preflight_of_all
  count_cores
  printf 'cores=%s\n' "$here_cores"
  look_at_quotas
  [ -z "$allowed" ] || printf 'allowed=%s\n' "$allowed"
}

# Sets $allowed to how much the control groups allow that this is in, in hundredths of a core; to nothing where they set
# no quota.
look_at_quotas() {
  allowed='' group_of_cpu='' group_of_all=''
  while IFS=: read -r _ controllers group; do
    case ,$controllers, in
    ,,) group_of_all=$group ;;
    *,cpu,*) group_of_cpu=$group ;;
    esac
  done </proc/self/cgroup
  while read -r _ _ _ root place _ kind; do
    case $kind in
    *'- cgroup2 '*) quotas_above "$place" "$root" "$group_of_all" ;;
    *'- cgroup '*,cpu | *'- cgroup '*,cpu,*) quotas_above "$place" "$root" "$group_of_cpu" ;;
    esac
  done </proc/self/mountinfo
} 2>/dev/null

# A group has no more than those above it. What is mounted may begin at one of them.
quotas_above() { # mount point, group that is mounted there, group that this is in
  inner=${3#"${2%/}"}
  # One that is outside of what is mounted cannot be seen.
  case $inner in
  "$3") [ "$2" = / ] || inner='' ;;
  '' | /*) ;;
  *) inner='' ;;
  esac
  directory=$1$inner
  while :; do
    directory=${directory%/}
    quota='' period=''
    if [ -e "$directory/cpu.max" ]; then
      read -r quota period <"$directory/cpu.max"
    elif [ -e "$directory/cpu.cfs_quota_us" ]; then
      read -r quota <"$directory/cpu.cfs_quota_us"
      read -r period <"$directory/cpu.cfs_period_us"
    fi
    # Without one it says max, or -1.
    if is_number "$quota" && is_number "$period" && [ "$period" -gt 0 ]; then
      quota=$((quota * 100 / period))
      [ -n "$allowed" ] && [ "$allowed" -le "$quota" ] || allowed=$quota
    fi
    case $directory in "$1"/?*) directory=${directory%/*} ;; *) break ;; esac
  done
}

# Sets $here_cores to those that this process may run on, where that can be told.
count_cores() {
  for way in nproc 'getconf _NPROCESSORS_ONLN' 'grep -c ^processor /proc/cpuinfo'; do
    here_cores=$($way 2>/dev/null) || continue
    ! is_number "$here_cores" || [ "$here_cores" -eq 0 ] || return 0
  done
  unsupported "the number of cores is unknown"
}

start() {
  : "${load:?}" "${cores:?}"
  must_be_in_time
  if ! is_number "$load" || ! is_number "$cores"; then invalid "load and cores are no numbers: $load, $cores"; fi
  count_cores
  [ "$cores" -le "$here_cores" ] || invalid "there are $here_cores cores"
  [ "$cores" -gt 0 ] || cores=$here_cores
  find_processes
  if [ -z "$holders" ]; then
    left_to_start=$cores
    while [ "$left_to_start" -gt 0 ]; do
      detached "load=$load" "ends_at=$ends_at"
      left_to_start=$((left_to_start - 1))
    done
  fi
  tries=0
  # shellcheck disable=SC2086 # split into words
  until find_processes && [ "$(count $holders)" -ge "$cores" ]; do
    [ "$tries" -lt 250 ] || not_now "the burners do not start"
    tries=$((tries + 1))
    sleep 0.02
  done
  report_holders
}

# A burner. It compares the CPU time that it and its children have used with the time that has passed: behind, it spins;
# ahead, it sleeps. Without its children's time, which its sleeping costs, it would overshoot. A clock that tells
# nothing ends it.
hold() { # from=, the uptime at the start, until=, the uptime at the end
  begun=${1#from=} over=${2#until=}
  if ! is_number "$begun" || ! is_number "$over"; then exit 64; fi
  ticks_per_second
  while :; do
    read_clock || exit 75
    [ "$now" -lt "$over" ] || break
    read -r stat </proc/$$/stat || exit 75
    # shellcheck disable=SC2086 # split into fields
    used_by ${stat##*) } || exit 75
    if [ $((used * 1000000 / ticks)) -le $((load * (now - begun))) ]; then
      spins=500
      while [ "$spins" -gt 0 ]; do spins=$((spins - 1)); done
    else
      sleep 0.05 || exit 75
    fi
  done
  # Idle, for whoever wants to read how much it was.
  sleep 1
}

# Sets $ticks. Linux reports CPU time in these; where nothing tells how many, they are what they are on all but the
# rarest machines.
ticks_per_second() {
  ticks=$(getconf CLK_TCK 2>/dev/null)
  { is_number "$ticks" && [ "$ticks" -gt 0 ]; } || ticks=100
}

used_by() { # fields of /proc/PID/stat from the third on; sets $used, in ticks
  { is_number "${12-}" && is_number "${13-}" && is_number "${14-}" && is_number "${15-}"; } || return 1
  used=$((${12} + ${13} + ${14} + ${15}))
}

status() {
  must_see_as_before
  find_processes
  burners=0
  total=0
  ticks_per_second
  read_clock || not_now "/proc/uptime contains no time"
  for burner in $holders; do
    pid=${burner%.*}
    look_at "$pid" || continue
    # shellcheck disable=SC2086 # split into fields
    used_by $stat || continue
    first_line "$pid" cmdline
    over=${text##*until=}
    begun=${text##*from=}
    begun=${begun%%until=*}
    { is_number "$begun" && is_number "$over"; } || continue
    burners=$((burners + 1))
    end=$((over < now ? over : now))
    [ "$end" -le "$begun" ] || total=$((total + used * 1000000 / ticks / (end - begun)))
    # One that was stopped burns nothing.
    case $stat in [Tt]*) continue ;; esac
    [ "$now" -ge "$over" ] || echo "burning=$burner"
  done
  # shellcheck disable=SC2086 # split into words
  printf 'burners=%s\nprocesses=%s\n' "$burners" "$(count $processes)"
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
