// Holds a process to its share of a machine: by a scope of systemd, else by cgroups where root may write them.

type Argv = readonly [program: string, ...operands: string[]];

export type ReplicaLimits = {
  memoryBytes: number | null;
  cpus: number | null;
};

/** The file in the folder of a start with the cgroups that were made for it, one a line. */
export const cgroupsFile = "cgroups";

/**
 * Sets `way` to what can hold a process here. A user's manager only where it was given the processors, see
 * systemd.resource-control(5), "Delegate"; cgroups(7) for the rest.
 */
const findWay = `way=none root=/sys/fs/cgroup uid=$(id -u)
if grep -qw cpu $root/user.slice/user-$uid.slice/user@$uid.service/cgroup.controllers 2>/dev/null &&
  systemctl --user show-environment >/dev/null 2>&1; then way=user
elif [ "$uid" != 0 ]; then :
elif [ -d /run/systemd/system ]; then way=system
elif [ -w $root/cgroup.procs ]; then grep -qw cpu $root/cgroup.subtree_control && way=v2
elif [ -w $root/cpu/cgroup.procs ] && [ -w $root/memory/cgroup.procs ]; then way=v1
fi`;

/** Where one is, is written before it is used, so that a kill in between leaves none that nobody knows of. */
const hold = `${findWay}
runtime=$1 bytes=$2 percent=$3 name=sesta-\${1##*/}
shift 3
make() {
  for one; do echo "$one"; done >"$runtime/${cgroupsFile}" && mkdir "$@"
}
below() {
  own=$(sed -n "s#^[0-9]*:\\([^:]*,\\)*$1\\(,[^:]*\\)*:#$root/$1#p" /proc/self/cgroup)
  [ -d "$own" ] || own=$root/$1
  echo "\${own%/}/$name"
}
case $way in
user | system)
  exec systemd-run --$way --scope --quiet --collect \${bytes:+-p MemoryMax=$bytes} \${percent:+-p CPUQuota=$percent%} -- "$@"
  ;;
v2)
  group=$root/$name
  {
    make $group
    [ -z "$bytes" ] || echo $bytes >$group/memory.max
    [ -z "$percent" ] || echo "\${percent}000 100000" >$group/cpu.max
    echo $$ >$group/cgroup.procs
  } 2>/dev/null
  ;;
v1)
  {
    memory=$(below memory) cpu=$(below cpu)
    make $memory $cpu
    [ -z "$bytes" ] || echo $bytes >$memory/memory.limit_in_bytes
    [ -z "$percent" ] || echo \${percent}000 >$cpu/cpu.cfs_quota_us
    echo $$ >$memory/cgroup.procs
    echo $$ >$cpu/cgroup.procs
  } 2>/dev/null
  ;;
esac
exec "$@"`;

/** Prints `none` where nothing can hold a process. */
export const askForLimits: Argv = ["sh", "-c", `${findWay}\necho $way`];

/** The program in its limits, with the same process id. Where nothing holds them it runs all the same. @param runtime the folder of the start */
export function buildLimited(argv: Argv, runtime: string, { memoryBytes, cpus }: ReplicaLimits): Argv {
  if (memoryBytes === null && cpus === null) return argv;
  const percent = cpus === null ? "" : String(Math.max(1, Math.round(cpus * 100)));
  return ["sh", "-c", hold, "sh", runtime, String(memoryBytes ?? ""), percent, ...argv];
}
