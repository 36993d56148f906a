#!/bin/sh
# Pushes an image with docker or podman. Usage: sh push.sh fresh FOLDER makes it, empty and private;
# sh push.sh logins prints the files that engines keep logins in, one a line;
# sh push.sh push ENGINE FOLDER IMAGE REFERENCE [plain], the login being in FOLDER/config.json.
set -u
umask 077
what=$1
shift

case $what in
  fresh)
    rm -rf "$1" && mkdir -p "$1"
    ;;
  logins)
    # containers-auth.json(5); Docker, "docker login".
    for file in "${REGISTRY_AUTH_FILE:-}" "${XDG_RUNTIME_DIR:-/run}/containers/auth.json" \
      "/run/containers/$(id -u)/auth.json" "${XDG_CONFIG_HOME:-$HOME/.config}/containers/auth.json" \
      "${DOCKER_CONFIG:-$HOME/.docker}/config.json"; do
      [ -n "$file" ] && [ -r "$file" ] && tr -d '\r\n' <"$file" && echo
    done
    exit 0
    ;;
  push)
    engine=$1 folder=$2 image=$3 reference=$4 plain=${5:-}
    # Podman also answers to docker's name.
    case $($engine --version 2>/dev/null) in
      *podman*)
        set -- --authfile "$folder/config.json"
        [ -n "$plain" ] && set -- "$@" --tls-verify=false
        exec $engine push "$@" "$image" "docker://$reference"
        ;;
    esac
    # Another folder of settings has other contexts: where the daemon is must be said.
    daemon=$($engine context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null) || daemon=
    $engine tag "$image" "$reference" || exit 1
    trap '$engine rmi "$reference" >/dev/null 2>&1' EXIT
    trap 'exit 143' HUP INT TERM
    if [ -n "$daemon" ]; then
      set -- --host "$daemon" --config "$folder"
    else
      set -- --config "$folder"
    fi
    $engine "$@" push "$reference"
    ;;
esac
