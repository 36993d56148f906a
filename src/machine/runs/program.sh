#!/bin/sh
# Leads the session of a run's program: writes down who it is, runs the program, and writes down how that ended.
# Usage: sh program.sh RUN_FOLDER ATTEMPT. Its standard output is the run's log.
set -u
run=$1
attempt=$2
. "${0%/*}/run-folder.sh"
cd "$run" || exit 1
umask 077

# Each attempt is begun once. A supervisor that comes after one that was killed puts its own mark here, so that a program
# on its way up ends before it did anything.
write "starting.$$" "$(my_identity) $attempt" && ln "starting.$$" "program.$attempt" 2>/dev/null || {
  rm -f "starting.$$"
  exit 1
}
mv -f "starting.$$" program

# A TERM for all is for the program: this waits until it has ended. A handler, unlike `ignore`, is not inherited.
trap : TERM INT HUP
. ./spec

# The file is the run's own as well, so that it is there whatever the program does with its name. A parent that is a link
# in the sources leads out of the run's copy of them: a folder takes its place.
open_stdout() (
  [ -e stdout ] && exit 0
  umask 022
  folder=work rest=$stdout_file
  while [ "$rest" != "${rest#*/}" ]; do
    folder=$folder/${rest%%/*} rest=${rest#*/}
    { [ ! -L "$folder" ] || rm -f "$folder"; } && mkdir -p "$folder" || exit 1
  done
  rm -f "work/$stdout_file" &&
    true >stdout.new && ln stdout.new "work/$stdout_file" && mv -f stdout.new stdout
)

# In a subshell: variables of the run may have any name, also one that is used here.
run_program() (
  set -- "$run" "$attempt"
  cd "$1/work" || exit 126
  . "$1/env" || exit 126
  export SESTA_RUN="${1##*/}" SESTA_ATTEMPT="$2"
  unset PYTHONDONTWRITEBYTECODE PYTHONHOME
  umask 022
  . "$1/invoke" || exit 126
  exec "$@"
)

if [ -z "$stdout_file" ]; then
  run_program
elif open_stdout; then
  run_program >>stdout
else
  false
fi
code=$?

if [ -n "$container" ]; then
  [ "$($engine inspect -f '{{.State.OOMKilled}}' "$container" 2>/dev/null)" = true ] && write container.oom yes
  $engine rm -f "$container" >/dev/null 2>&1
fi
write program.exit "$code"
exit "$code"
