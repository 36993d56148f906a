#!/bin/sh
# Removes folders below Sesta's own. Usage: sh remove.sh BASE PATH… prints those that are gone. One that a run which
# is not over, or on its way, still names stays: runs of other projects may share it.
set -u
base=$1
shift
for path in "$@"; do
  case $path in
    *..*) continue ;;
    "$base"/cache/*/?* | "$base"/runs/?*) ;;
    *) continue ;;
  esac
  used=
  case $path in
    "$base"/cache/*)
      for run in "$base"/runs/* "$base"/runs/.new-*; do
        [ -d "$run" ] && [ ! -e "$run/ended" ] || continue
        if grep -qsF "$path" "$run/invoke" "$run/env" "$run/links"; then used=yes; break; fi
      done
      ;;
  esac
  [ -n "$used" ] && continue
  # And what was on its way there, or out of it.
  for one in "$path" "$path".making-* "$path".new.* "$path".old.* "${path%/*}/.new-${path##*/}".*; do
    [ -e "$one" ] || continue
    chmod -R u+w "$one" 2>/dev/null
    rm -rf "$one" && printf '%s\n' "$one"
  done
done
