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
  previous=$(newest_claim .)
  number=100000
  if [ -n "$previous" ]; then
    lives "$previous" && return 1
    number=${previous#./claim.}
  fi
  my_identity >"taking.$$" || return 1
  ln "taking.$$" "claim.$((number + 1))" 2>/dev/null
  taken=$?
  rm -f "taking.$$"
  return $taken
}

[ -e ended ] && exit 0
take || exit 0
[ -e reserve ] || head -c 65536 /dev/zero >reserve 2>/dev/null

# What to do: slots, class, timeout, retries, grace, engine, container, gather, delay. Values are quoted by their writer.
. ./spec

# ---- the line before the machine: tickets in the order in which they were drawn

draw_ticket() {
  mkdir -p "$base/queue"
  echo "$id" >"ticket.new"
  until {
    last=0
    for file in "$base"/queue/*; do [ -e "$file" ] && last=${file##*/}; done
    ticket=$(printf %09d $(($(echo "$last" | sed 's/^0*//; s/^$/0/') + 1)))
    ln ticket.new "$base/queue/$ticket" 2>/dev/null
  }; do
    [ -d "$base/queue" ] || return 1
    sleep 1
  done
  rm -f ticket.new
  write ticket "$ticket"
}

# Whether run $1 counts: it is not over, and its program or its supervisor lives.
counts() {
  other=$base/runs/$1
  [ -d "$other" ] && [ ! -e "$other/ended" ] || return 1
  lives "$other/program" || is_supervised "$other"
}

# How many that drew their ticket earlier stand before this one.
count_before() {
  before=0
  for file in "$base"/queue/*; do
    [ "${file##*/}" = "$ticket" ] && break
    other_id=
    read -r other_id <"$file" 2>/dev/null
    [ -n "$other_id" ] || continue
    if [ -e "$base/runs/$other_id/ended" ] || [ ! -d "$base/runs/$other_id" ]; then rm -f "$file"; continue; fi
    if [ "$slots" = gpu ]; then
      [ -e "$base/runs/$other_id/gpu" ] || continue
    fi
    counts "$other_id" && before=$((before + 1))
  done
  echo $before
}

wait_in_line() {
  case $slots in
    none) return 0 ;;
    gpu) places=1 ;;
    *) places=$slots ;;
  esac
  while :; do
    before=$(count_before)
    [ "$before" -lt "$places" ] && break
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

find_cgroup() {
  cgroup= limit=
  [ -r /proc/self/cgroup ] || return 0
  path=$(sed -n 's/^0:://p; s/^[0-9]*:memory://p' /proc/self/cgroup | tail -n 1)
  v1=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup | tail -n 1)
  if [ -n "$v1" ]; then
    for folder in "/sys/fs/cgroup/memory$v1" /sys/fs/cgroup/memory; do
      [ -r "$folder/memory.limit_in_bytes" ] || continue
      cgroup=$folder peak_file=memory.max_usage_in_bytes events=memory.oom_control
      limit=$(cat "$folder/memory.limit_in_bytes")
      break
    done
  else
    for folder in "/sys/fs/cgroup$path" /sys/fs/cgroup; do
      [ -r "$folder/memory.max" ] || continue
      cgroup=$folder peak_file=memory.peak events=memory.events
      limit=$(cat "$folder/memory.max")
      break
    done
  fi
  # Without a limit it is not the run's own, and a number of 19 digits is how version 1 says that there is none.
  case $limit in '' | max | ???????????????????*) cgroup= limit= ;; esac
}

oom_count() {
  [ -n "$cgroup" ] && sed -n 's/^oom_kill //p' "$cgroup/$events" 2>/dev/null
}

# Kilobytes in memory of all that belongs to the session of process $1.
session_kb() {
  if [ -r /proc/self/stat ]; then
    # proc(5): after the name come state, parent, group, session and, as 22nd, the pages that it has in memory.
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v session="$1" -v page="$(getconf PAGESIZE 2>/dev/null || echo 4096)" '
      { sub(/^.*\) /, ""); if ($4 == session) sum += $22 } END { print int(sum * page / 1024) }'
  else
    ps -A -o pgid= -o rss= 2>/dev/null | awk -v group="$1" '$1 == group { sum += $2 } END { print sum + 0 }'
  fi
}

peak=0
sample() {
  now_kb=$(session_kb "$1")
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

# Ids of all that began with process $1: of its group, its children and theirs, and what carries the mark of the run.
family() {
  list_processes | awk -v leader="$1" '
    { pid[NR] = $1; parent[NR] = $2; if ($1 == leader || $3 == leader) member[$1] = 1 }
    END {
      do { grown = 0
        for (i = 1; i <= NR; i++) if (!(pid[i] in member) && (parent[i] in member)) { member[pid[i]] = 1; grown = 1 }
      } while (grown)
      for (one in member) print one
    }'
  grep -l -s "SESTA_RUN=$id" /proc/[0-9]*/environ 2>/dev/null | sed 's/[^0-9]//g'
}

# TERM, time to end by itself, KILL; $1 leads the program's session.
end_program() {
  [ -n "$container" ] && $engine stop -t "$grace" "$container" >/dev/null 2>&1
  members=$(family "$1" | sort -u)
  kill -TERM $members 2>/dev/null
  left=$((grace * 5))
  while [ $left -gt 0 ]; do
    lives program || break
    sleep 0.2 2>/dev/null || { sleep 1; left=$((left - 4)); }
    left=$((left - 1))
  done
  kill -KILL $(family "$1" | sort -u) 2>/dev/null
  [ -n "$container" ] && $engine rm -f "$container" >/dev/null 2>&1
  return 0
}

# Runs beside the program: its heart, its memory, its time, and whether somebody wants it stopped. $1: its id.
watch() {
  pause=0.2
  beats=0
  while lives program; do
    if [ $((beats % 5)) = 0 ] || [ $beats -lt 5 ]; then sample "$1"; fi
    [ "$timeout" != 0 ] && [ $(($(uptime_s) - begun)) -ge "$timeout" ] && [ ! -e stop ] && write stop timeout
    if [ -e stop ]; then end_program "$1"; return; fi
    sleep $pause 2>/dev/null || sleep 1
    [ $beats -ge 4 ] && pause=1
    beats=$((beats + 1))
  done
}


# The program writes its own identity first and its exit code last, so that both outlive this supervisor.
start_program() {
  rm -f program.exit program
  [ -n "$container" ] && $engine rm -f "$container" >/dev/null 2>&1
  (new_session sh "${0%/*}/program.sh" "$run" "$attempt") </dev/null >>output 2>&1 &
  child=$!
  until [ -s program ] || [ -e program.exit ] || ! kill -0 $child 2>/dev/null; do sleep 0.05 2>/dev/null || sleep 1; done
}

finish() {
  limit_kb=
  if [ -n "$cgroup" ]; then
    limit_kb=$((limit / 1024))
    own=$(cat "$cgroup/$peak_file" 2>/dev/null)
    [ -n "$own" ] && [ $((own / 1024)) -gt "$peak" ] && peak=$((own / 1024))
  fi
  write ended "code=$1 reason=$2 at=$(date +%s) peak_kb=$peak limit_kb=$limit_kb attempts=$attempt"
  rm -f env "$base/queue/${ticket:-none}" reserve place
  exit 0
}

# ---- the life of the run

attempt=0
[ -s attempt ] && read -r attempt <attempt
ticket=
child=
find_cgroup
ooms=$(oom_count)
[ -s heartbeat ] && read -r _ peak <heartbeat

if lives program || [ -s program.exit ]; then
  [ -s ticket ] && read -r ticket <ticket # a supervisor before this one was killed; the program went on
else
  # One that had begun is only begun again where its owner allowed it: what it did once it may not do twice.
  if [ -s program ] && [ ! -s program.exit ] && [ "$attempt" -gt "$retries" ]; then
    lost=killed
    read -r _ _ of_boot _ <program
    [ "$of_boot" = "$boot" ] || lost=reboot
    finish 0 $lost
  fi
  draw_ticket
  if ! wait_in_line || ! wait_for_others; then
    attempt=0
    finish 0 "$(cat stop)"
  fi
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
  if ! lives program && [ ! -s program.exit ]; then
    [ -e stop ] && finish 0 "$(cat stop)"
    attempt=$((attempt + 1))
    write attempt "$attempt"
    start_program
  fi
  leader=0
  [ -s program ] && read -r leader _ <program
  watch "$leader" &
  watcher=$!
  if [ -n "$child" ]; then wait "$child"; else while lives program; do sleep 1; done; fi
  if [ -e stop ]; then wait $watcher; else kill $watcher 2>/dev/null; fi
  wait $watcher 2>/dev/null
  child=
  [ -s heartbeat ] && read -r _ peak <heartbeat
  [ "$leader" != 0 ] && kill -KILL "-$leader" 2>/dev/null # what it left in the background

  code=137
  [ -s program.exit ] && read -r code <program.exit
  reason=exit
  [ -s program.exit ] || reason=signal
  [ -n "$container" ] && [ -s container.oom ] && reason=oom
  [ "$code" != 0 ] && [ "$(oom_count)" != "$ooms" ] && reason=oom
  [ -e stop ] && reason=$(cat stop)
  if [ "$code" = 0 ] || [ -e stop ] || [ "$attempt" -gt "$retries" ]; then finish "$code" "$reason"; fi
  echo "sesta: try $attempt ended with $code; trying again ($((retries - attempt + 1)) left)" >>output
  ooms=$(oom_count)
  rm -f program.exit program
  sleep "$delay"
done
