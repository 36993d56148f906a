#!/bin/sh
# Owns one run on its machine: waits in line, starts the program, watches it, and writes down how it ended.
# Usage: sh supervise.sh RUN_FOLDER, in a session of its own. Nothing that happens to a connection matters to it.
#
# Needs POSIX sh and what every system has beside it. Each file is written whole under another name and then renamed
# or linked, so that whoever reads one sees all of it, and a kill at any moment leaves the old one.
set -u
umask 077
run=$1
cd "$run" || exit 1
base=${run%/runs/*}
id=${run##*/}

. "${0%/*}/run-folder.sh"

# ---- only one supervisor at a time: a link is made or not, with its content

take() {
  is_supervised . && return 1
  number=100000
  [ -n "$newest" ] && number=${newest#./claim.}
  rm -f "taking.$$"
  my_identity >"taking.$$" || return 1
  ln "taking.$$" "claim.$((number + 1))" 2>/dev/null
  taken=$?
  rm -f "taking.$$"
  return $taken
}

[ -s ended ] && exit 0
take || exit 0
[ -s ended ] && exit 0 # by one that took it and was done between the two looks
[ -e reserve ] || head -c 65536 /dev/zero >reserve 2>/dev/null

# What to do: slots, timeout, retries, grace, engine, container, gather, delay. Values are quoted by their writer.
format=
. ./spec

# ---- the line before the machine: tickets in the order in which they were drawn

# Sets `owner` to the id of the run that drew the ticket in file $1.
read_ticket() {
  owner=
  { read -r owner <"$1"; } 2>/dev/null
  [ -n "$owner" ]
}

# A supervisor before this one may have drawn one, which keeps the run's place.
draw_ticket() {
  mkdir -p "$base/queue"
  for file in "$base"/queue/*; do
    ticket=${file##*/}
    read_ticket "$file" && [ "$owner" = "$id" ] && return 0
  done
  write ticket.new "$id" || return 1
  until {
    last=0
    for file in "$base"/queue/*; do [ -e "$file" ] && last=${file##*/}; done
    ticket=$(printf %09d $(($(echo "$last" | sed 's/^0*//; s/^$/0/') + 1)))
    ln ticket.new "$base/queue/$ticket" 2>/dev/null
  }; do
    [ -d "$base/queue" ] || return 1
    pause 0.1
  done
  rm -f ticket.new
}

return_tickets() {
  for file in "$base"/queue/*; do
    read_ticket "$file" && [ "$owner" = "$id" ] && rm -f "$file"
  done
}

# Whether run $1 counts: it is not over, and its program or its supervisor lives.
counts() {
  other=$base/runs/$1
  [ -d "$other" ] && [ ! -s "$other/ended" ] || return 1
  [ "$slots" != gpu ] || [ -e "$other/gpu" ] || return 1
  lives "$other/program" || is_supervised "$other"
}

# Sets `before` to how many stand before this one: those with an earlier ticket, and those that were let in already.
# An earlier one may have been passed over while it had no supervisor.
count_before() {
  before=0
  passed=
  for file in "$base"/queue/*; do
    [ "${file##*/}" = "$ticket" ] && passed=yes
    read_ticket "$file" || continue
    [ "$owner" = "$id" ] && continue
    if [ -s "$base/runs/$owner/ended" ] || [ ! -d "$base/runs/$owner" ]; then rm -f "$file"; continue; fi
    [ -n "$passed" ] && [ ! -e "$base/runs/$owner/admitted" ] && continue
    counts "$owner" && before=$((before + 1))
  done
}

# Two that look at the same time see each other: each says first that it is in, then looks once more, and goes back where
# that was too much. Of two, the one with the later ticket goes back for good.
wait_in_line() {
  case $slots in
    none) return 0 ;;
    gpu) places=1 ;;
    *) places=$slots ;;
  esac
  rm -f admitted
  while :; do
    count_before
    if [ $before -lt "$places" ]; then
      write admitted yes
      count_before
      [ $before -lt "$places" ] && break
      rm -f admitted
    fi
    write place "$((before - places + 1))"
    [ -e stop ] && return 1
    sleep 1
  done
  rm -f place
}

# Where several machines run together, each waits here until all have a place.
wait_for_others() {
  [ "$gather" = 0 ] && return 0
  write ready "$(date +%s)"
  waited=0
  until [ -e go ]; do
    [ -e stop ] && return 1
    if [ $waited -ge "$gather" ]; then write stop rendezvous; return 1; fi
    sleep 1
    waited=$((waited + 1))
  done
}

# ---- memory: what the program's session holds now, and what its cgroup says where it has one with a limit

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
    [ -n "$limit" ] && write container.limit "$limit"
  fi
  now_kb=$(awk -v held=$held '$1 == held { print int($2 / 1024) }' "$cgroup/memory.stat" 2>/dev/null)
}

peak=0
inside=
sample() {
  now_kb=
  if [ -n "$container" ]; then container_kb; else now_kb=$(session_kb "$1"); fi
  [ "${now_kb:-0}" -gt "$peak" ] && peak=$now_kb
  write heartbeat "$(date +%s) $peak"
}

# ---- ending: everything that belongs to the program, whatever it made of itself

# Lines of process, parent and group, of all that live.
list_processes() {
  if [ -r /proc/self/stat ]; then
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^\([0-9]*\) (.*) . \([0-9]*\) \([0-9]*\) .*/\1 \2 \3/'
  else
    ps -A -o pid= -o ppid= -o pgid=
  fi
}

# Ids of all that carry the mark of the run in their environment: also what went into a session of its own.
list_marked() {
  grep -l -s "SESTA_RUN=$id" /proc/[0-9]*/environ 2>/dev/null | sed 's/[^0-9]//g'
}

# Ids of all that began with process $1: of its group, its children and theirs, and what carries the mark.
family() {
  [ "$1" -gt 1 ] && list_processes | awk -v leader="$1" '
    { pid[NR] = $1; parent[NR] = $2; if ($1 == leader || $3 == leader) member[$1] = 1 }
    END {
      do { grown = 0
        for (i = 1; i <= NR; i++) if (!(pid[i] in member) && (parent[i] in member)) { member[pid[i]] = 1; grown = 1 }
      } while (grown)
      for (one in member) print one
    }'
  list_marked
}

# Whether any of the processes in $@ lives.
any_lives() {
  for one in "$@"; do find_start "$one" && return 0; done
  return 1
}

# TERM, time to end by itself, KILL; $1 leads the program's session.
end_program() {
  [ -n "$container" ] && $engine stop -t "$grace" "$container" >/dev/null 2>&1
  members=$(family "$1" | sort -u)
  kill -TERM $members 2>/dev/null
  until_s=$(($(uptime_s) + grace))
  while any_lives $members && [ "$(uptime_s)" -le $until_s ]; do pause 0.2; done
  kill -KILL $(family "$1" | sort -u) 2>/dev/null
  [ -n "$container" ] && $engine rm -f "$container" >/dev/null 2>&1
  return 0
}

# Runs beside the program: its heart, its memory, its time, and whether somebody wants it stopped. $1: its id.
watch() {
  beats=0
  while lives "program.$attempt"; do
    if [ $((beats % 5)) = 0 ] || [ $beats -lt 5 ]; then sample "$1"; fi
    [ "$timeout" != 0 ] && [ $(($(uptime_s) - begun)) -ge "$timeout" ] && [ ! -e stop ] && write stop timeout
    if [ -e stop ]; then end_program "$1"; return; fi
    if [ $beats -lt 5 ]; then pause 0.2; else sleep 1; fi
    beats=$((beats + 1))
  done
}

# What the program left behind. Its group only by one who saw it end: later the number may be another's.
end_leftovers() {
  [ -n "$seen" ] && [ "$leader" -gt 1 ] && kill -KILL "-$leader" 2>/dev/null
  marked=$(list_marked)
  [ -n "$marked" ] && kill -KILL $marked 2>/dev/null
}

# The program writes its own identity first and its exit code last, so that both outlive this supervisor.
start_program() {
  rm -f program.exit program container.oom container.limit
  [ -n "$container" ] && $engine rm -f "$container" >/dev/null 2>&1
  count_ooms
  write ooms "${own_ooms:--} ${all_ooms:--}"
  (new_session sh "${0%/*}/program.sh" "$run" "$attempt") </dev/null >>output 2>&1 &
  child=$!
  until [ -e "program.$attempt" ] || ! find_start $child; do pause 0.05; done
}

# Whether the last attempt began. One that a supervisor before this one started and that has not come so far that it is
# known, never will: the file that it would make is there.
has_begun() {
  [ "$attempt" -gt 0 ] || return 1
  if ln attempt "program.$attempt" 2>/dev/null; then
    retries=$((retries + 1)) # it did not count
    return 1
  fi
  of_boot=
  read -r of_pid _ of_boot _ <"program.$attempt"
  [ -n "$of_boot" ]
}

# What holds secrets goes first, so that a kill in between leaves none, and the place in line before anybody may take it.
finish() {
  limit_kb=
  if [ -n "$container" ]; then
    if [ -s container.limit ]; then
      read -r limit <container.limit
      limit_kb=$((limit / 1024))
      [ "$2" = oom ] && peak=$limit_kb
    fi
  elif [ -n "$limit" ]; then
    limit_kb=$((limit / 1024))
    # What was sampled misses a last jump: where its cgroup ran out, that was to the limit. It is never more than the
    # cgroup counts, which has its cache in it too.
    own=$(cat "$cgroup/$peak_file" 2>/dev/null)
    [ -n "$own" ] && [ $((own / 1024)) -lt "$peak" ] && peak=$((own / 1024))
    [ "$2" = oom ] && [ "${own_ooms:--}" != "${own_before:--}" ] && peak=$limit_kb
  fi
  rm -rf env place "$base/runs/.new-$id."*
  return_tickets
  write ended "code=$1 reason=$2 at=$(date +%s) peak_kb=$peak limit_kb=$limit_kb attempts=$attempt" || exit 1
  rm -f reserve admitted ooms
  exit 0
}

# ---- the life of the run

attempt=0
[ -s attempt ] && read -r attempt <attempt
ticket=
child=
seen=
leader=0
find_cgroup self
[ -s heartbeat ] && read -r _ peak <heartbeat

if [ "$format" != 1 ]; then
  # Begun by another version of Sesta whose scripts are gone: what it runs is left alone.
  lives program && exit 0
  finish 0 format
fi

if has_begun && { lives "program.$attempt" || [ -s program.exit ]; }; then
  : # a supervisor before this one was killed; the program went on
else
  end_leftovers # of a program whose leader was killed too
  # One that had begun is only begun again where its owner allowed it: what it did once it may not do twice.
  if has_begun && [ "$attempt" -gt "$retries" ]; then
    lost=killed
    [ "$of_boot" = "$boot" ] || lost=reboot
    finish 0 $lost
  fi
  draw_ticket || exit 1
  if ! wait_in_line || ! wait_for_others; then finish 0 "$(cat stop)"; fi
  [ -e started ] || write started "$(date +%s)"
fi

# When the program began, on a clock that belongs to this boot.
begun=
[ -s begun ] && read -r begun of_boot <begun && [ "$of_boot" != "$boot" ] && begun=
if [ -z "$begun" ]; then
  begun=$(uptime_s)
  write begun "$begun $boot"
fi

while :; do
  if ! lives "program.$attempt" && [ ! -s program.exit ]; then
    [ -e stop ] && finish 0 "$(cat stop)"
    attempt=$((attempt + 1))
    write attempt "$attempt"
    start_program
  fi
  seen=$child leader=0
  lives "program.$attempt" && seen=yes
  [ -s "program.$attempt" ] && read -r leader _ <"program.$attempt"
  watch "$leader" &
  watcher=$!
  code=137
  if [ -n "$child" ]; then
    wait "$child"
    code=$?
  else
    while lives "program.$attempt"; do sleep 1; done
  fi
  if [ -e stop ]; then wait $watcher; else kill $watcher 2>/dev/null; fi
  wait $watcher 2>/dev/null
  child=
  [ -s heartbeat ] && read -r _ peak <heartbeat
  end_leftovers

  reason=signal
  if [ -s program.exit ]; then
    read -r code <program.exit
    reason=exit
  fi
  [ -n "$container" ] && [ -s container.oom ] && reason=oom
  is_oom "$code" && reason=oom
  [ -e stop ] && reason=$(cat stop)
  if [ "$code" = 0 ] || [ -e stop ] || [ "$attempt" -gt "$retries" ]; then finish "$code" "$reason"; fi
  echo "sesta: try $attempt ended with $code; trying again ($((retries - attempt + 1)) left)" >>output
  rm -f program.exit program
  sleep "$delay"
done
