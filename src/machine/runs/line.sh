#!/bin/sh
# The line before the machine: tickets in the order in which they were drawn.
# Part of supervise.sh, which reads it in with `.`.

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
  left=600
  until {
    last=0
    for file in "$base"/queue/*; do [ -e "$file" ] && last=${file##*/}; done
    ticket=$(printf %09d $(($(echo "$last" | sed 's/^0*//; s/^$/0/') + 1)))
    ln ticket.new "$base/queue/$ticket" 2>/dev/null
  }; do
    [ -d "$base/queue" ] && [ ! -e stop ] || return 1
    left=$((left - 1))
    [ $left -gt 0 ] || finish 0 links
    pause 0.1
  done
  rm -f ticket.new
}

return_tickets() {
  for file in "$base"/queue/*; do
    read_ticket "$file" && [ "$owner" = "$id" ] && rm -f "$file"
  done
}

# Whether run $1 counts: it is not over, and its program or its supervisor lives. One that was let in since this machine
# started and then lost both may have left some of its program, or be about to start it: its next supervisor ends that.
counts() {
  other=$base/runs/$1
  [ -d "$other" ] && [ ! -s "$other/ended" ] || return 1
  [ "$slots" != gpu ] || [ -e "$other/gpu" ] || return 1
  of_boot=
  lives "$other/program" || is_supervised "$other" || {
    [ -e "$other/admitted" ] && [ "$of_boot" = "$boot" ] && sh "${0%/*}/begin.sh" "$other"
  }
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
  rm -f admitted ready
  while :; do
    count_before
    if [ $before -lt "$places" ]; then
      write admitted yes || { [ -e stop ] && return 1; exit 1; }
      count_before
      [ $before -lt "$places" ] && break
      rm -f admitted
    fi
    try_write place "$((before - places + 1))"
    [ -e stop ] && return 1
    sleep 1
  done
  rm -f place
}

# Whether one that waits in this line goes before a run of several machines that has its place here and waits for the rest:
# that one may hold the place there, and both would wait for ever. Of two such runs the one whose id comes first keeps what
# it has, on every machine alike, and before all one whose other machines were let go already.
is_in_the_way() {
  [ "$slots" = none ] && return 1
  for file in "$base"/queue/*; do
    read_ticket "$file" && [ "$owner" != "$id" ] || continue
    other=$base/runs/$owner
    [ -e "$other/admitted" ] || [ -s "$other/ended" ] && continue
    [ "$slots" != gpu ] || [ -e "$other/gpu" ] || continue
    [ -s "$other/spec" ] && ! grep -q '^gather=0$' "$other/spec" && is_supervised "$other" || continue
    [ -e "$other/go" ] && return 0
    LC_ALL=C expr "x${owner%.*}" \< "x${id%.*}" >/dev/null && return 0
  done
  return 1
}

# Where several machines run together, each waits here until all have a place. Fails without a stop where it gave its own
# back, to stand at the end of the line.
wait_for_others() {
  [ "$gather" = 0 ] && return 0
  write ready "$(date +%s)"
  waited=0
  until [ -e go ]; do
    [ -e stop ] && return 1
    if [ $waited -ge "$gather" ]; then ask_to_stop rendezvous; return 1; fi
    if is_in_the_way; then
      rm -f ready
      return_tickets
      rm -f admitted
      return 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
}
