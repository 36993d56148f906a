#!/bin/sh
# Memory: what the program's session holds now, and what its cgroup says where it has one with a limit.
# Part of supervise.sh, which reads it in with `.`.

# Sets `cgroup` and what goes with it to that of process $1, `limit` to nothing where it has none.
find_cgroup() {
  cgroup= limit=
  [ -r "/proc/$1/cgroup" ] || return 1
  path=$(sed -n 's/^0:://p' "/proc/$1/cgroup")
  v1=$(sed -n 's/^[0-9]*:memory://p' "/proc/$1/cgroup")
  if [ -n "$v1" ]; then
    for folder in "/sys/fs/cgroup/memory$v1" /sys/fs/cgroup/memory; do
      [ -r "$folder/memory.limit_in_bytes" ] || continue
      cgroup=$folder peak_file=memory.max_usage_in_bytes events=memory.oom_control held=total_rss
      limit=$(cat "$folder/memory.limit_in_bytes")
      break
    done
  else
    for folder in "/sys/fs/cgroup$path" /sys/fs/cgroup; do
      [ -r "$folder/memory.max" ] || continue
      cgroup=$folder peak_file=memory.peak events=memory.events held=anon
      limit=$(cat "$folder/memory.max")
      break
    done
  fi
  # A number of 19 digits is how version 1 says that there is none.
  case $limit in max | ???????????????????*) limit= ;; esac
}

# How often memory ran out: in the cgroup, and on the whole machine (proc(5), /proc/vmstat).
count_ooms() {
  own_ooms= all_ooms=
  [ -n "$limit" ] && own_ooms=$(sed -n 's/^oom_kill //p' "$cgroup/$events" 2>/dev/null)
  all_ooms=$(sed -n 's/^oom_kill //p' /proc/vmstat 2>/dev/null)
}

# Whether the program, which ended with code $1, did so for want of memory. A kill elsewhere on the machine is only taken
# for its own where it ended as the system ends one.
is_oom() {
  [ "$1" != 0 ] && [ -s ooms ] || return 1
  read -r own_before all_before <ooms
  count_ooms
  [ "${own_ooms:--}" != "$own_before" ] || { [ "$1" = 137 ] && [ "${all_ooms:--}" != "$all_before" ]; }
}

# Kilobytes in memory of all that belongs to the session of process $1. Pages that several share, as workers do with what
# forked them, count once: proc(5), smaps_rollup.
session_kb() {
  if [ -r /proc/self/smaps_rollup ]; then
    cat /proc/[0-9]*/stat 2>/dev/null |
      awk -v session="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($4 == session) print "/proc/" pid "/smaps_rollup" }' |
      xargs cat 2>/dev/null | awk '$1 == "Pss:" { sum += $2 } END { print sum + 0 }'
  elif [ -r /proc/self/stat ]; then
    # proc(5): after the name come state, parent, group, session and, as 22nd, the pages that it has in memory.
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v session="$1" -v page="$(getconf PAGESIZE 2>/dev/null || echo 4096)" '
      { sub(/^.*\) /, ""); if ($4 == session) sum += $22 } END { print int(sum * page / 1024) }'
  else
    ps -A -o pgid= -o rss= 2>/dev/null | awk -v group="$1" '$1 == group { sum += $2 } END { print sum + 0 }'
  fi
}

# The same of the container, which is in no session of the run; its limit is kept for the end. Only for `watch`, whose
# variables are its own.
container_kb() {
  if [ -z "$inside" ]; then
    inside=$($engine inspect -f '{{.State.Pid}}' "$container" 2>/dev/null)
    case $inside in '' | 0 | *[!0-9]*) inside= && return 1 ;; esac
    find_cgroup "$inside" || return 1
    [ -z "$limit" ] || try_write container.limit "$limit" || inside= # the next look tries again
  fi
  now_kb=$(awk -v held=$held '$1 == held { print int($2 / 1024) }' "$cgroup/memory.stat" 2>/dev/null)
}

peak=0
inside=
sample() {
  now_kb=
  if [ -n "$container" ]; then container_kb; else now_kb=$(session_kb "$1"); fi
  [ "${now_kb:-0}" -gt "$peak" ] && peak=$now_kb
  try_write heartbeat "$(date +%s) $peak"
}
