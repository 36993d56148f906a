#!/bin/sh
# Starts the supervisor of a run in a session of its own, and in a scope of systemd where that is there.
# Usage: sh begin.sh RUN_FOLDER. Doing it twice starts one.
run=$1
here=${0%/*}
. "$here/run-folder.sh"
# Those that a run was begun with see it to its end, whichever Sesta asks; each kind of scripts knows its own files.
if [ -s "$run/scripts" ]; then
  IFS= read -r of_run <"$run/scripts"
  [ -e "$of_run/complete" ] && here=$of_run
fi
unset SESTA_CONNECTION SESTA_RUN SESTA_ATTEMPT SESTA_START 2>/dev/null

# A login session may be ended with all that is in it (KillUserProcesses in logind.conf(5)); a scope of the user's own
# manager is not, if that manager stays without a session (linger).
scope() {
  [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1 || return 1
  if [ "$(id -u)" = 0 ]; then
    where=--system
  else
    where=--user
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    export XDG_RUNTIME_DIR
    loginctl enable-linger >/dev/null 2>&1
    [ "$(loginctl show-user "$(id -un)" --property=Linger --value 2>/dev/null)" = yes ] || return 1
  fi
  systemd-run $where --scope --quiet --collect true >/dev/null 2>&1
}

prefix=
scope && prefix="systemd-run $where --scope --quiet --collect"
(new_session $prefix sh "$here/supervise.sh" "$run" </dev/null >/dev/null 2>>"$run/supervisor.log") &
