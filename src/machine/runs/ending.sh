#!/bin/sh
# Ending: everything that belongs to the program, whatever it made of itself.
# Part of supervise.sh, which reads it in with `.`.

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
  # As a pattern: BusyBox looks for a fixed string up to the first NUL only.
  grep -l -s "SESTA_RUN=$id" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
    # Not of one whose id only begins alike.
    { tr '\0' '\n' <"$file" | grep -q -x -F "SESTA_RUN=$id"; } 2>/dev/null && echo "$file" | sed 's/[^0-9]//g'
  done
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

# What the program left behind. Its group only by one who saw it end: later the number may be another's.
end_leftovers() {
  [ -n "$seen" ] && [ "$leader" -gt 1 ] && kill -KILL "-$leader" 2>/dev/null
  marked=$(list_marked)
  [ -n "$marked" ] && kill -KILL $marked 2>/dev/null
}
