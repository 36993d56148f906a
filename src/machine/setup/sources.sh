#!/bin/sh
# The sources of a job out of a git repository. Usage: sh sources.sh find MIRROR ADDRESS REF prints the commit that REF
# means there now; sh sources.sh take MIRROR ADDRESS COMMIT TREE puts a clone at it into the folder TREE. REF may be
# empty: the default branch. A token comes by git's own variables. The first commit that is taken is cloned from where it
# is; MIRROR then only says where that clone lies, and becomes a copy of the repository when another commit is wanted.
set -u
umask 077
what=$1
mirror=$2
address=$3
# Nothing of a repository is run, and nobody is asked: githooks(5), git-config(1), gitcredentials(7). A line on which
# nothing comes for a minute has broken.
git() {
  command git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c protocol.ext.allow=never \
    -c http.lowSpeedLimit=1 -c http.lowSpeedTime=60 "$@"
}
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS= SSH_ASKPASS_REQUIRE=never
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE 2>/dev/null
: "${GIT_SSH_COMMAND:=ssh -o BatchMode=yes -o ConnectTimeout=15}"
export GIT_SSH_COMMAND
command -v git >/dev/null 2>&1 || {
  echo "git is not installed on this machine" >&2
  exit 3
}

case $what in
  find)
    ref=$4
    case $ref in
      ????????????????????????????????????????)
        case $ref in *[!0-9a-f]*) ;; *) echo "$ref" && exit 0 ;; esac
        ;;
    esac
    found=$(git ls-remote -- "$address" "${ref:-HEAD}" "refs/heads/${ref:-HEAD}" "refs/tags/${ref:-HEAD}^{}") || exit 5
    # A tag that names another object is followed by the commit it leads to; a branch goes before a tag of its name.
    commit=$(printf '%s\n' "$found" | awk -v ref="$ref" '
      $2 == "refs/heads/" ref { branch = $1 } $2 == "refs/tags/" ref "^{}" { peeled = $1 }
      $2 == "refs/tags/" ref { tag = $1 } $2 == "HEAD" && ref == "" { head = $1 }
      END { print branch ? branch : peeled ? peeled : tag ? tag : head }')
    if [ -z "$commit" ]; then
      # The beginning of a commit: only the whole repository can tell.
      case $ref in '' | *[!0-9a-f]*) echo "the repository has no branch or tag ${ref:-HEAD}" >&2 && exit 6 ;; esac
      sh "$0" mirror "$mirror" "$address" >&2 || exit 5
      commit=$(git --git-dir="$mirror" rev-parse --verify -q "$ref^{commit}") || {
        echo "the repository has no branch, tag or commit $ref" >&2
        exit 6
      }
    fi
    echo "$commit"
    ;;
  mirror)
    mkdir -p "$(dirname "$mirror")"
    [ -e "$mirror/HEAD" ] || sh "$0" seed "$mirror" "$address"
    update() { git --git-dir="$mirror" fetch -q --prune --force -- "$address" '+refs/*:refs/*'; }
    # Another one may be at it; and what a killed one left locked is made anew, as it is only a copy.
    if [ -e "$mirror/HEAD" ]; then update 2>/dev/null || { sleep 2 && update; } && exit 0; fi
    sh "$0" remake "$mirror" "$address"
    ;;
  seed)
    # What the first clone has need not come over the network again.
    { IFS= read -r first <"$mirror/first"; } 2>/dev/null && [ -e "$first" ] && sh "$0" remake "$mirror" "$first" 2>/dev/null
    ;;
  remake)
    new=$mirror.new.$$
    git clone -q --mirror --no-hardlinks -- "$address" "$new" || {
      rm -rf "$new"
      exit 5
    }
    [ ! -e "$mirror" ] || mv "$mirror" "$mirror.old.$$"
    mv "$new" "$mirror"
    rm -rf "$mirror/${new##*/}" "$mirror.old.$$"
    ;;
  take)
    commit=$4
    tree=$5
    new=$tree.new.$$
    keep() {
      : >"$new/complete"
      mv "$new" "$tree" && rm -rf "$tree/${new##*/}"
    }
    clone() {
      rm -rf "$new"
      mkdir -p "$new"
      git clone -q --no-checkout --no-hardlinks -- "$1" "$new/tree"
    }
    check_out() {
      git -C "$new/tree" checkout -q --detach "$commit" -- &&
        { [ ! -e "$new/tree/.gitmodules" ] || git -C "$new/tree" submodule update -q --init --recursive; }
    }
    take() { clone "$mirror" && git -C "$new/tree" remote set-url origin -- "$address" && check_out; }
    if [ ! -e "$mirror" ] && clone "$address" 2>/dev/null && check_out 2>/dev/null; then
      keep
      mkdir -p "$mirror" && echo "$tree/tree/.git" >"$mirror/first"
      exit 0
    fi
    has_commit() { git --git-dir="$mirror" cat-file -e "$commit^{commit}" 2>/dev/null; }
    # Another command may bring the same at this moment: then git finds a lock, or a copy that is being replaced.
    [ -e "$mirror/HEAD" ] || sh "$0" seed "$mirror" "$address"
    bring() { has_commit || sh "$0" mirror "$mirror" "$address"; }
    bring 2>/dev/null || { sleep 1 && bring; } || exit 5
    take 2>/dev/null || { sleep 1 && bring && take 2>/dev/null; } ||
      { sh "$0" remake "$mirror" "$address" && take; } || {
      rm -rf "$new"
      exit 5
    }
    keep
    ;;
esac
