#!/bin/sh
# Sends a run's output from a byte on as it grows, on stdout; on stderr, a line whenever something changes, and one a
# second so that it notices when nobody reads any more. Usage: sh follow.sh RUN_FOLDER FILE FIRST_BYTE (from 1).
set -u
run=$1
file=$1/$2
. "${0%/*}/run-folder.sh"
trap '' PIPE
until [ -e "$file" ]; do
  [ -s "$run/ended" ] && : >>"$file"
  echo "wait $(cat "$run/place" 2>/dev/null)" >&2 || exit 0
  if [ -e "$run/started" ]; then sleep 0.05 2>/dev/null || sleep 1; else sleep 0.2 2>/dev/null || sleep 1; fi
done
tail -c "+$3" -f "$file" &
tail=$!
trap 'kill $tail 2>/dev/null' EXIT
while :; do
  if [ -s "$run/ended" ]; then
    echo "ended $(size_of "$file")" >&2 || exit 0
  elif [ -e "$run/started" ]; then
    echo "run" >&2 || exit 0
  else
    echo "wait $(cat "$run/place" 2>/dev/null)" >&2 || exit 0
  fi
  kill -0 $tail 2>/dev/null || exit 0
  sleep 0.2 2>/dev/null || sleep 1
done
