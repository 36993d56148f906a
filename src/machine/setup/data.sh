#!/bin/sh
# Data of a job, kept by what it is. Usage: sh data.sh open MAKING makes the folder that all of it is first brought to;
# sh data.sh fetch ADDRESS FILE SHA256 brings what an address gives; sh data.sh unpack ARCHIVE FOLDER unpacks a tar or zip
# archive, which may hold only files and folders; sh data.sh keep MAKING PLACE gives it its place, whole.
set -u
umask 077
mostFiles=100000
mostBytes=$((10 * 1024 * 1024 * 1024))
mostRatio=100

refuse() {
  echo "$*" >&2
  exit 6
}

sum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

# Address $1 into file $2, going on behind what is there where $3 says so. A line on which nothing comes for a minute has
# broken.
download() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 --retry-connrefused --connect-timeout 30 --speed-limit 1 --speed-time 60 ${3:+-C -} -o "$2" -- "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 60 -t 3 ${3:+-c} -O "$2" -- "$1"
  elif command -v python3 >/dev/null 2>&1; then
    python3 -c 'import shutil, sys, urllib.request as u
with u.urlopen(sys.argv[1], timeout=60) as i, open(sys.argv[2], "wb") as o:
    shutil.copyfileobj(i, o)
    if i.headers.get("Content-Length", str(o.tell())) != str(o.tell()): sys.exit("the connection broke")' "$1" "$2"
  else
    refuse "neither curl, wget nor python3 is on this machine"
  fi
}

# A listing of tar(1): mode, owner and group, size, date and time, name, as GNU and BusyBox print it, or mode, links, owner,
# group, size, as BSD does. Names of owners hold whatever their archive wants, also what looks like a size: BusyBox prints
# them whatever it is told, so that a line in which two places could be the size is none. Links and devices, names that
# lead out, and bombs are refused before any of it is kept.
judge_tar() {
  packed=$(($(wc -c <"$1")))
  numeric=--numeric-owner bsd=0
  case $(tar --version 2>&1) in
    *bsdtar*) bsd=1 ;;
    *GNU*) ;;
    *) numeric= ;;
  esac
  {
    tar $numeric -tvf "$1"
    echo "sesta:tar $?"
  } | awk -v files=$mostFiles -v bytes=$mostBytes -v ratio=$mostRatio -v packed=$packed -v bsd=$bsd '
    function find_size(line, part, size) {
      if (bsd) return $5 != "" && ($2 $3 $4 $5) ~ /^[0-9]+$/ ? $5 : -1
      size = -1
      while (match(line, / [0-9]+ [0-9]+-[0-9][0-9]-[0-9][0-9] [0-9:]+ /)) {
        if (size != -1) return -1
        split(substr(line, RSTART + 1), part, " ")
        size = part[1]
        line = substr(line, RSTART + RLENGTH - 1)
      }
      return size
    }
    $1 == "sesta:tar" { ended = 1; failed = $2; next }
    { kind = substr($1, 1, 1); count++ }
    kind !~ /^[-d]$/ || / -> | link to / { print "it holds a link or device: " $0; wrong = 1; exit }
    / \/|(^| |\/)\.\.(\/|$)/ { print "a name leads out of it: " $0; wrong = 1; exit }
    count > files { print "it holds more than " files " files"; wrong = 1; exit }
    { size = find_size($0); sum += size }
    size == -1 { print "what tar says of it is not clear: " $0; wrong = 1; exit }
    sum > bytes || (sum > 1000000 && sum > packed * ratio) { print "unpacked it would be too large"; wrong = 1; exit }
    END {
      if (!wrong && (failed || !ended)) { print "this is no archive that tar can read"; wrong = 1 }
      exit wrong
    }' || exit 6
}

unzip_safely='
import os, stat, sys, zipfile
source, to, files, size, ratio = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
with zipfile.ZipFile(source) as archive:
    entries = archive.infolist()
    if len(entries) > files: sys.exit(f"it holds more than {files} files")
    total = sum(entry.file_size for entry in entries)
    if total > size or (total > 1_000_000 and total > os.path.getsize(source) * ratio):
        sys.exit("unpacked it would be too large")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR): sys.exit(f"it holds a link or device: {entry.filename}")
        parts = entry.filename.replace("\\\\", "/").split("/")
        if entry.filename.startswith("/") or ".." in parts: sys.exit(f"a name leads out of it: {entry.filename}")
    archive.extractall(to)
'

case $1 in
  fetch)
    mkdir -p "$(dirname "$3")"
    # One that was broken off is gone on with where its sum tells whether both parts are of the same file.
    whole=
    if [ -n "$4" ] && [ -s "$3.part" ]; then download "$2" "$3.part" on && [ "$(sum "$3.part")" = "$4" ] && whole=yes; fi
    anew() { rm -f "$1.part" && download "$2" "$1.part" ""; }
    [ -n "$whole" ] || anew "$3" "$2" || anew "$3" "$2" || refuse "it could not be fetched"
    if [ -z "$whole" ] && [ -n "$4" ] && [ "$(sum "$3.part")" != "$4" ]; then
      found=$(sum "$3.part")
      rm -f "$3.part"
      refuse "its SHA-256 is $found, not $4"
    fi
    mv "$3.part" "$3"
    ;;
  unpack)
    new=$3.new.$$
    rm -rf "$new"
    mkdir -p "$new"
    case $(head -c 4 "$2" | od -An -tx1 | tr -d ' \n') in
      504b0304 | 504b0506)
        command -v python3 >/dev/null 2>&1 || refuse "a zip archive needs python3 on this machine"
        python3 -c "$unzip_safely" "$2" "$new" $mostFiles $mostBytes $mostRatio || { rm -rf "$new"; exit 6; }
        ;;
      *)
        (judge_tar "$2") >&2 || { rm -rf "$new"; exit 6; }
        tar -xf "$2" -C "$new" --no-same-owner 2>/dev/null || tar -xf "$2" -C "$new" || { rm -rf "$new"; refuse "tar failed"; }
        ;;
    esac
    chmod -R u+rwX,go-w "$new"
    mv "$new" "$3" && rm -rf "$3/${new##*/}"
    ;;
  open)
    # What one that was broken off left is gone on with.
    mkdir -p "$2" && chmod -R u+w "$2" && rm -rf "$2"/*.new.* || exit 6
    ;;
  keep)
    # Runs read it through a link, and must not change it for those that come after.
    : >"$2/complete" && chmod -R a-w "$2" && chmod u+w "$2" && mv "$2" "$3" || exit 6
    left=$3/${2##*/} # somebody else has brought the same
    [ ! -e "$left" ] || { chmod -R u+w "$left" && rm -rf "$left"; }
    ;;
esac
