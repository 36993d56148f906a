#!/bin/sh
# Leaves word for a run. Usage: sh tell.sh RUNS ID stop REASON asks it to end, and sees that one that has not come yet never
# begins; sh tell.sh RUNS ID go WORD lets one begin that waits for the other machines. The first word stays.
set -u
umask 077
runs=$1
run=$1/$2
name=$3
word=$4

# One that has not come is made as one that has ended, whole, so that nobody who still brings it begins it.
if [ "$name" = stop ]; then
  if [ ! -d "$run" ]; then
    new=.new-$2.stop.$$
    mkdir -p "$runs/$new" && echo "code=0 reason=$word at=$(date +%s) attempts=0" >"$runs/$new/ended" &&
      { [ -d "$run" ] || mv "$runs/$new" "$run"; }
    rm -rf "$run/$new"
  fi
  # What was on its way may hold secrets.
  rm -rf "$runs/.new-$2."*
fi

cd "$run" || exit 3
[ -s ended ] && exit 0
# A full disk has no room for a word; a file without content and a name beside it need none.
{ echo "$word" >"$name.from.$$"; } 2>/dev/null || true >"$name-$word"
ln "$name.from.$$" "$name" 2>/dev/null
rm -f "$name.from.$$"
[ -e "$name" ]
