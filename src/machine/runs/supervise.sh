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

for part in run-folder line memory ending; do . "${0%/*}/$part.sh"; done

# ---- only one supervisor at a time: a link is made or not, with its content

take() {
  is_supervised . && return 1
  number=100000
  [ -n "$newest" ] && number=${newest#./claim.}
  rm -f "taking.$$"
  # On a full disk there is what was kept in reserve.
  my_identity >"taking.$$" 2>/dev/null || { rm -f reserve && my_identity >"taking.$$"; } || return 1
  ln "taking.$$" "claim.$((number + 1))" 2>/dev/null
  taken=$?
  # Where nobody else was quicker and a file can be made, no link can: that will not change.
  if [ $taken != 0 ] && [ ! -e "claim.$((number + 1))" ] && touch "taking.$$.too" && ! ln "taking.$$" "taking.$$.link"; then
    rm -f env
    write ended "code=0 reason=links at=$(date +%s) attempts=0"
  fi
  rm -f "taking.$$" "taking.$$".*
  return $taken
}

[ -s ended ] && exit 0
take || exit 0
[ -s ended ] && exit 0 # by one that took it and was done between the two looks
[ -e reserve ] || head -c 65536 /dev/zero >reserve 2>/dev/null

# What to do: slots, timeout, retries, grace, engine, container, gather, delay. Values are quoted by their writer.
format= container= retries=0
[ -s spec ] && . ./spec

# ---- its program, and how it ends

# Runs beside the program: its heart, its memory, its time, and whether somebody wants it stopped. $1: its id.
watch() {
  beats=0
  while lives "program.$attempt"; do
    if [ $((beats % 5)) = 0 ] || [ $beats -lt 5 ]; then sample "$1"; fi
    [ "$timeout" != 0 ] && [ $(($(uptime_s) - begun)) -ge "$timeout" ] && [ ! -e stop ] && ask_to_stop timeout
    if [ -e stop ]; then end_program "$1"; return; fi
    if [ $beats -lt 5 ]; then pause 0.2; else sleep 1; fi
    beats=$((beats + 1))
  done
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
  rm -rf env place heartbeat.new "$base/runs/.new-$id."*
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

[ -s spec ] || finish 0 partial
if [ "$format" != 1 ]; then
  # Begun by another version of Sesta whose scripts are gone: what it runs is left alone.
  lives program && exit 0
  finish 0 format
fi

# Decided once: what was found alive here and ends before the next look has begun, and is not begun again for it.
fresh=
if has_begun && { lives "program.$attempt" || [ -s program.exit ]; }; then
  : # a supervisor before this one was killed; the program went on
else
  fresh=yes
  end_leftovers # of a program whose leader was killed too
  # One that had begun is only begun again where its owner allowed it: what it did once it may not do twice.
  if has_begun && [ "$attempt" -gt "$retries" ]; then
    lost=killed
    [ "$of_boot" = "$boot" ] || lost=reboot
    finish 0 $lost
  fi
  until { draw_ticket || [ -e stop ] || exit 1; } && [ ! -e stop ] && wait_in_line && wait_for_others; do
    [ -e stop ] && finish 0 "$(stop_reason)"
  done
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
  if [ -n "$fresh" ]; then
    [ -e stop ] && finish 0 "$(stop_reason)"
    attempt=$((attempt + 1))
    # One that nobody could know of is not begun.
    write attempt "$attempt" || { [ -e stop ] && finish 0 "$(stop_reason)"; exit 1; }
    start_program
  fi
  fresh=yes # where it is tried again
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
  [ -e stop ] && reason=$(stop_reason)
  if [ "$code" = 0 ] || [ -e stop ] || [ "$attempt" -gt "$retries" ]; then finish "$code" "$reason"; fi
  echo "sesta: try $attempt ended with $code; trying again ($((retries - attempt + 1)) left)" >>output
  rm -f program.exit program
  sleep "$delay"
done
