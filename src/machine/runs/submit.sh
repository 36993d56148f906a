#!/bin/sh
# Makes a run of the files in RUNS/NEW and begins it. Usage: sh submit.sh RUNS ID TREE NEW, where NEW is a folder of the
# caller's own, named .new-ID.SOMETHING. Doing it twice, also at once, is doing it once: a run that is there is left as it is.
set -u
umask 077
runs=$1
id=$2
tree=$3
new=$runs/$4

# What could not be made is no failure where another one has made it meanwhile.
give_up() {
  rm -rf "$new"
  [ -d "$runs/$id" ] || exit 5
}

make() {
  mkdir -p "$new/work" || return 1
  if [ "$tree" != - ]; then
    cp -a --reflink=auto "$tree/." "$new/work" 2>/dev/null || cp -a "$tree/." "$new/work" || return 1
  fi
  (cd "$new/work" && . ../links) || return 1
  : >"$new/output" || return 1
  (cd "${0%/*}" && pwd) >"$new/scripts" || return 1
  [ -d "$runs/$id" ] || mv "$new" "$runs/$id" || return 1
  rm -rf "$runs/$id/$4" "$new"
}

if [ -d "$runs/$id" ]; then rm -rf "$new"; else make "$@" || give_up; fi
exec sh "${0%/*}/begin.sh" "$runs/$id"
