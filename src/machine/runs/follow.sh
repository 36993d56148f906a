#!/bin/sh
# Sends a run's output from a byte on as it grows, on stdout; on stderr a line at each look: `wait PLACE`, `run`, or
# `ended SIZE`, a tab, and what contact.sh says of the run; `gone` is the last one, where the run's folder is not there.
# Usage: sh follow.sh RUN_FOLDER FILE FIRST_BYTE (from 1). It ends with its standard input, which whoever reads holds open:
# a connection that others share swallows what is written for one that has died.
set -u
run=$1
file=$1/$2
. "${0%/*}/run-folder.sh"
trap '' PIPE
tail=
exec 3<&0
cat <&3 >/dev/null 2>&1 &
reader=$!
exec 3<&-
trap 'kill $tail $reader 2>/dev/null' EXIT
is_read() { kill -0 $reader 2>/dev/null; }
still_there() {
  [ -d "$run" ] && return
  echo "gone" >&2
  exit 0
}
looks=0
wait_a_little() {
  # Often at first: much that is tried out is over in a moment.
  if [ $looks -lt 20 ]; then pause 0.05; else pause 0.2; fi
  looks=$((looks + 1))
}
until [ -e "$file" ]; do
  is_read || exit 0
  still_there
  [ -s "$run/ended" ] && true >>"$file"
  echo "wait $(cat "$run/place" 2>/dev/null)" >&2 || exit 0
  wait_a_little
done
tail -c "+$3" -f "$file" &
tail=$!
facts=
while :; do
  still_there
  if [ -s "$run/ended" ]; then
    [ -n "$facts" ] || facts=$(sh "${0%/*}/contact.sh" "${run%/*}" "${run##*/}")
    printf 'ended %s\t%s\n' "$(size_of "$file")" "$facts" >&2 || exit 0
  elif [ -e "$run/started" ]; then
    echo "run" >&2 || exit 0
  else
    echo "wait $(cat "$run/place" 2>/dev/null)" >&2 || exit 0
  fi
  is_read && kill -0 $tail 2>/dev/null || exit 0
  wait_a_little
done
