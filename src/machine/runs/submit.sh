#!/bin/sh
# Makes a run of the files in RUNS/.new-ID and begins it. Usage: sh submit.sh RUNS ID TREE. Doing it twice is doing it
# once: a run that is there is left as it is.
set -u
umask 077
runs=$1
id=$2
tree=$3
new=$runs/.new-$id
if [ ! -d "$runs/$id" ]; then
  rm -rf "$new/work"
  mkdir -p "$new/work"
  if [ "$tree" != - ]; then
    cp -a --reflink=auto "$tree/." "$new/work" 2>/dev/null || cp -a "$tree/." "$new/work" || exit 5
  fi
  (cd "$new/work" && . ../links) || exit 5
  : >"$new/output"
  mv "$new" "$runs/$id" || exit 5
  rm -rf "$runs/$id/.new-$id"
fi
rm -rf "$new"
exec sh "${0%/*}/begin.sh" "$runs/$id"
