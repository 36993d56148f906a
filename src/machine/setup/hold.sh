#!/bin/sh
# Holds a lock of this machine for as long as its standard input is open. Usage: sh hold.sh LOCK, a folder that is made.
# Prints `held` when it has it, and `wait` before that while somebody else does.
set -u
umask 077
. "${0%/*}/run-folder.sh"
mkdir -p "$1" && cd "$1" || exit 1
exec 3<&0
cat <&3 >/dev/null 2>&1 &
holder=$!
exec 3<&-
trap 'kill $holder 2>/dev/null' EXIT

# A claim is never removed: whoever saw an older one would take its number again.
take() {
  is_supervised . && return 1
  number=100000
  [ -n "$newest" ] && number=${newest#./claim.}
  my_identity >"taking.$$" && ln "taking.$$" "claim.$((number + 1))" 2>/dev/null
  taken=$?
  rm -f "taking.$$"
  return $taken
}

told=
until take; do
  [ -n "$told" ] || echo wait
  told=yes
  kill -0 $holder 2>/dev/null || exit 0
  pause 0.2
done
echo held
wait $holder
