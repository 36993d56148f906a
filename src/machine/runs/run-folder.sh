#!/bin/sh
# What every script of a run shares: who a process is, and how a file is written. Read in with `.`; needs nothing set.

# ---- who is who: a process is its id, its start time and the boot that it belongs to; an id alone is recycled

# Nothing of it may depend on the time zone of whoever asks: sysctl(8) and ps(1) of macOS print local times.
boot_id() {
  cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid 2>/dev/null ||
    TZ=UTC0 sysctl -n kern.boottime 2>/dev/null | tr ' ' _
}

# Sets `start` to the start time of process $1; fails, and empties it, for one that has ended. Without a subshell: whoever
# waits in line asks this of all that stand before it.
find_start() {
  start=
  if [ -r /proc/self/stat ]; then
    { IFS= read -r stat_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # proc(5): the name may hold spaces and brackets; after it come the state and, as 20th, the start time.
    set -- ${stat_line##*) }
    [ $# -ge 20 ] || return 1
    case $1 in Z | X) return 1 ;; esac
    shift 19
    start=$1
  else
    start=$(TZ=UTC0 LC_ALL=C ps -o stat= -o lstart= -p "$1" 2>/dev/null | sed '/^Z/d; s/^[^ ]* *//; s/ /_/g')
    [ -n "$start" ]
  fi
}

# Whether the process that file $1 names still lives: "PID START BOOT …".
lives() {
  [ -s "$1" ] || return 1
  of_boot=
  { read -r of_pid of_start of_boot _ <"$1"; } 2>/dev/null || return 1
  [ "$of_boot" = "$boot" ] && find_start "$of_pid" && [ "$start" = "$of_start" ]
}

boot=$(boot_id)

# Of the shell itself, whatever subshell asks.
my_identity() {
  find_start $$
  echo "$$ $start $boot"
}

# ---- files

# Content $2 into file $1, in one try: for what may be left out.
try_write() {
  { echo "$2" >"$1.new.$$"; } 2>/dev/null && mv -f "$1.new.$$" "$1"
}

# The same for what must be known. On a full disk what was kept in reserve for this is given up, and used before
# somebody else does; without one it is tried for a while. Where the run is to stop, only how it ended matters.
write() {
  tries=0
  until try_write "$1" "$2"; do
    case $1 in ended | program.exit) ;; *) [ -e stop ] && return 1 ;; esac
    tries=$((tries + 1))
    [ $tries -gt 600 ] && return 1
    if [ -e reserve ]; then rm -f reserve; else sleep 1; fi
  done
}

# Asks the run in this folder to stop because of $1. A full disk has no room for a word; a file without content and a name
# beside it need none.
ask_to_stop() {
  try_write stop "$1" || { rm -f reserve && try_write stop "$1"; } || { true >"stop-$1" && true >stop; }
}

# Prints why the run in this folder is to stop.
stop_reason() {
  why=
  read -r why <stop
  for file in stop-*; do [ -z "$why" ] && [ -e "$file" ] && why=${file#stop-}; done
  echo "${why:-user}"
}

# Seconds $1, which may have a part; where sleep(1) knows none, one second.
pause() {
  sleep "$1" 2>/dev/null || sleep 1
}

# Seconds that never jump where the system tells them.
uptime_s() {
  if read -r up _ 2>/dev/null </proc/uptime; then echo "${up%.*}"; else date +%s; fi
}

# Sets `newest` to the newest claim in run folder $1, or to nothing.
find_claim() {
  newest=
  for claim in "$1"/claim.1*; do [ -e "$claim" ] && newest=$claim; done
}

# Whether run folder $1 is being seen to.
is_supervised() {
  find_claim "$1"
  [ -n "$newest" ] && lives "$newest"
}

# Bytes of file $1. Not every wc(1) asks the file system: some read all of it.
size_of() {
  stat -c %s -- "$1" 2>/dev/null || stat -f %z -- "$1" 2>/dev/null || echo $(($(wc -c <"$1")))
}

# Becomes the program in $@, as the leader of a session of its own.
new_session() {
  if command -v setsid >/dev/null 2>&1; then exec setsid "$@"
  elif command -v perl >/dev/null 2>&1; then exec perl -MPOSIX -e 'setsid; exec @ARGV' "$@"
  elif command -v python3 >/dev/null 2>&1; then
    exec python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@"
  else
    trap '' HUP
    exec "$@"
  fi
}
