#!/bin/sh
# Trees of sources on a machine. Usage: sh tree.sh keep NEW TREE gives the uploaded folder NEW its place;
# sh tree.sh setup TREE FROM makes TREE a copy of FROM and runs the script on stdin in it, keeping it if that succeeds.
set -u
case $1 in
  keep)
    : >"$2/complete"
    mv "$2" "$3" && rm -rf "$3/${2##*/}"
    ;;
  setup)
    umask 077
    new=$2.new.$$
    rm -rf "$new"
    mkdir -p "$new"
    cp -a --reflink=auto "$3/tree" "$new/tree" 2>/dev/null || { rm -rf "$new/tree" && cp -a "$3/tree" "$new/tree"; } || exit 5
    script=$(cat; echo .)
    cd "$new/tree" || exit 5
    umask 022
    # The path in which the program will find itself is another one; only what is relative holds.
    sh -c "${script%.}" || {
      code=$?
      rm -rf "$new"
      echo "it ended with $code" >&2
      exit 7
    }
    : >"$new/complete"
    mv "$new" "$2" && rm -rf "$2/${new##*/}"
    ;;
esac
