#!/bin/sh
# Leads the session of a run's program: writes down who it is, runs the program, and writes down how that ended.
# Usage: sh program.sh RUN_FOLDER ATTEMPT. Its standard output is the run's log.
set -u
run=$1
attempt=$2
. "${0%/*}/run-folder.sh"
cd "$run" || exit 1
umask 077
write program "$(my_identity) $attempt"

# A TERM for all is for the program: this waits until it has ended. A handler, unlike `ignore`, is not inherited.
trap : TERM INT HUP
. ./spec
code=126
if cd "$run/work" && . "$run/env" && . "$run/invoke"; then
  export SESTA_RUN="${run##*/}" SESTA_ATTEMPT="$attempt"
  unset PYTHONDONTWRITEBYTECODE PYTHONHOME 2>/dev/null
  umask 022
  if [ -n "$stdout_file" ]; then
    if [ ! -e "$run/stdout" ]; then
      mkdir -p "$(dirname "./$stdout_file")" && rm -f "./$stdout_file" && : >"$run/stdout"
      ln "$run/stdout" "./$stdout_file"
    fi
    "$@" >>"$run/stdout"
    code=$?
  else
    "$@"
    code=$?
  fi
fi

cd "$run" || exit 1
umask 077
if [ -n "$container" ]; then
  [ "$($engine inspect -f '{{.State.OOMKilled}}' "$container" 2>/dev/null)" = true ] && write container.oom yes
  $engine rm -f "$container" >/dev/null 2>&1
fi
write program.exit "$code"
exit "$code"
