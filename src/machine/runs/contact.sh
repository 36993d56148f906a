#!/bin/sh
# Tells how runs are, one line each, and sees that each has its supervisor. Usage: sh contact.sh RUNS_FOLDER ID…
# A line: id, supervisor, program (alive or -), place in line, ready, started, attempt, heartbeat and peak, how it ended, sizes
# of output and stdout; parts are separated by tabs, what is not there is "-".
set -u
runs=$1
shift
. "${0%/*}/run-folder.sh"
unset SESTA_CONNECTION SESTA_RUN SESTA_ATTEMPT 2>/dev/null
tab=$(printf '\t')

say() {
  text=-
  [ -s "$1" ] && { IFS= read -r text <"$1"; } 2>/dev/null
  printf '%s' "$tab$text"
}

size() {
  if [ -e "$1" ]; then printf '%s' "$tab$(size_of "$1")"; else printf '%s' "$tab-"; fi
}

for id in "$@"; do
  run=$runs/$id
  if [ ! -d "$run" ]; then
    printf '%s\tgone\n' "$id"
    continue
  fi
  supervisor=-
  program=-
  if [ ! -s "$run/ended" ]; then
    lives "$run/program" && program=alive
    if is_supervised "$run"; then supervisor=alive; else sh "${0%/*}/begin.sh" "$run"; fi
  fi
  printf '%s\t%s\t%s' "$id" "$supervisor" "$program"
  for file in place ready started attempt heartbeat ended; do say "$run/$file"; done
  size "$run/output"
  size "$run/stdout"
  printf '\n'
done
