#!/bin/sh
# System packages of apt or dnf. Usage: sh packages.sh check NAME… prints those that are missing, one a line;
# sh packages.sh install NAME… installs them. A name may ask for a version: NAME=VERSION.
set -u
what=$1
shift

find_manager() {
  for manager in apt-get dnf yum; do command -v $manager >/dev/null 2>&1 && return 0; done
  echo "neither apt nor dnf is on this machine" >&2
  return 1
}

newline='
'
# Name, state and version of the packages in $@, a line each for either way to write the name.
look_up() {
  for one in "$@"; do
    shift
    set -- "$@" "${one%%=*}"
  done
  state='${db:Status-Status} ${Version}'
  dpkg-query -W -f="\${Package} $state\\n\${binary:Package} $state\\n" -- "$@" 2>/dev/null
}

has() {
  name=${1%%=*}
  version=
  [ "$name" = "$1" ] || version=${1#*=}
  if [ $manager = apt-get ]; then
    case $newline$found$newline in *"$newline$name installed ${version:+$version$newline}"*) return 0 ;; esac
    return 1
  fi
  rpm -q "$name${version:+-$version}" >/dev/null 2>&1
}

find_manager || exit 3
case $what in
  check)
    [ $manager = apt-get ] && found=$(look_up "$@")
    for one in "$@"; do has "$one" || echo "$one"; done
    ;;
  install)
    sudo=
    if [ "$(id -u)" != 0 ]; then
      sudo -n true 2>/dev/null || {
        echo "this needs root, and sudo asks for a password" >&2
        exit 4
      }
      sudo="sudo -n"
    fi
    if [ $manager = apt-get ]; then
      export DEBIAN_FRONTEND=noninteractive
      wait="-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
      # sudo drops the environment, so that it is said once more behind it.
      $sudo apt-get update -q $wait || exit 5
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $wait -- "$@" || exit 5
    else
      count=$#
      while [ $count -gt 0 ]; do
        one=$1
        shift
        set -- "$@" "$(echo "$one" | sed 's/=/-/')"
        count=$((count - 1))
      done
      refresh=
      [ $manager = yum ] || refresh=--refresh # yum(8) knows none
      $sudo $manager install -y -q $refresh "$@" || exit 5
    fi
    ;;
esac
