# The ten steps by hand, for `ssh host sh -s`: DEST, REPO and FACTOR come in front of it. Progress goes to stderr,
# the outputs come back on stdout as a tar stream.
set -eu
dpkg-query -W git make >/dev/null || apt-get install -y git make >&2         # 1 packages
mkdir -p "$DEST/data"                                                        # 2 folder
cat >"$DEST/settings.env" <<END_OF_SETTINGS                                  # 3 settings
FACTOR=$FACTOR
RESULTS=results
END_OF_SETTINGS
cat >"$DEST/data/table.csv" <<'END_OF_TABLE'                                 # 4 table
@TABLE@END_OF_TABLE
cat >"$DEST/data/check.sh" <<'END_OF_CHECK'                                  # 5 check
@CHECK@END_OF_CHECK
chmod 755 "$DEST/data/check.sh"
if [ -d "$DEST/work" ]; then git -C "$DEST/work" pull -q                     # 6 clone
else git clone -q "$REPO" "$DEST/work"; fi
cd "$DEST/work"
[ -e data ] || ln -s ../data data                                            # 7 link
make >&2                                                                     # 8 build
set -a
. ../settings.env
data/check.sh && ./counter >output.txt                                       # 9 run, output into a file
tar -cf - output.txt results/sum.txt                                         # 10 fetch
