#!/bin/sh
# Container images, with docker or podman, whichever answers. Usage: sh image.sh engine prints how it is called;
# sh image.sh find ENGINE IMAGE LABEL prints the image's id where it is there, made from what LABEL names;
# sh image.sh pull ENGINE IMAGE; sh image.sh build ENGINE TAG LABEL FOLDER DOCKERFILE [MORE_LABELS...];
# sh image.sh init ENGINE ends with 0 where a container can have the engine's own process 1.
set -u
what=$1
shift

case $what in
  engine)
    for engine in docker podman; do
      command -v $engine >/dev/null 2>&1 || continue
      $engine version --format '{{.Server.Version}}' >/dev/null 2>&1 && echo $engine && exit 0
      [ $engine = podman ] && podman info >/dev/null 2>&1 && echo podman && exit 0
      # A docker that was installed in this session: the group that may use it counts from the next login on.
      sudo -n $engine version --format '{{.Server.Version}}' >/dev/null 2>&1 && echo "sudo -n $engine" && exit 0
    done
    echo "neither docker nor podman answers on this machine" >&2
    exit 3
    ;;
  find)
    if [ -n "$3" ]; then
      label=$($1 image inspect --format '{{index .Config.Labels "sesta.made-from"}}' "$2" 2>/dev/null) || exit 0
      [ "$label" = "$3" ] || exit 0
    fi
    $1 image inspect --format '{{.Id}}' "$2" 2>/dev/null
    exit 0
    ;;
  init)
    # Docker brings it; Podman looks for Debian's or its own, podman-run(1) and containers.conf(5).
    case $1 in *podman) ;; *) exit 0 ;; esac
    command -v catatonit >/dev/null 2>&1 && exit 0
    for folder in /usr/libexec/podman /usr/local/libexec/podman /usr/local/lib/podman /usr/lib/podman; do
      [ -x $folder/catatonit ] && exit 0
    done
    exit 1
    ;;
  pull)
    exec $1 pull "$2"
    ;;
  build)
    cd "$4" || exit 5
    engine=$1 tag=$2 label=$3 file=$5
    shift 5
    for more; do
      set -- "$@" --label "$more"
      shift
    done
    exec $engine build -t "$tag" --label "sesta.made-from=$label" "$@" -f "$file" .
    ;;
esac
