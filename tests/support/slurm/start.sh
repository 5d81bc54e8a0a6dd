#!/usr/bin/env bash
# A Slurm of two nodes, n1 and n2, with two fake GPUs each, on this one machine: tests/slurm/start.sh FOLDER
# Needs root, and slurmctld, slurmd, slurm-client and munge of Debian. No accounting database. Its state, sockets, logs
# and devices lie in FOLDER; only the configuration must be in /etc/slurm, since jobs do not inherit SLURM_CONF, and
# a configuration that this script did not write is left alone. The cluster is its caller's: while that runs, nobody
# else's start stops it. Status 77: there can be none here, for the reason that is printed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(realpath -m "$1")
host=$(hostname -s)
mark="# Written by tests/slurm/start.sh for "

refuse() {
  echo "$1"
  exit 77
}

# When process $1 started; nothing if it is no more.
began() {
  sed -En 's/.*\) ([^ZX] .*)/\1/p' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20
}

[ "$(id -u)" = 0 ] || refuse "a test cluster needs root"
for program in munged slurmctld slurmd sbatch srun squeue; do
  command -v $program > /dev/null || refuse "$program is not installed"
done
if [ -e /etc/slurm/slurm.conf ]; then
  first=$(head -n 1 /etc/slurm/slurm.conf)
  other=${first#"$mark"}
  if [ "$other" != "$first" ]; then
    read -r pid start 2> /dev/null < "$other/starter" || start=
    [ -z "$start" ] || [ "$(began "$pid")" != "$start" ] || refuse "another test run has the cluster (process $pid)"
    # A test that was killed leaves its cluster running, and the ports with it.
    "$here/stop.sh" "$other"
  fi
fi
for file in slurm gres cgroup; do
  [ ! -e /etc/slurm/$file.conf ] || refuse "/etc/slurm/$file.conf is of another Slurm"
done
if [ -n "${SLURM_CONF:-}" ] || ps -eo stat=,comm= | grep -Eq '^[^Z].* (slurmd|slurmctld)$'; then
  refuse "another Slurm is at work here"
fi

mkdir -p "$folder"/{dev,state,log,run,spool.n1,spool.n2} /etc/slurm
# munged refuses a socket in a folder that others cannot enter.
chmod 755 "$folder" "$folder/run"
echo "$PPID $(began $PPID)" > "$folder/starter"
# Slurm takes only character devices for GPUs.
for i in 0 1; do [ -c "$folder/dev/gpu$i" ] || mknod "$folder/dev/gpu$i" c 1 3; done
(umask 077; head -c 128 /dev/urandom > "$folder/munge.key")

cat > /etc/slurm/slurm.conf <<C
$mark$folder
ClusterName=amongus_test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.sock
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
# Nothing of the machine's is needed: no cgroups, no systemd.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
# A job over its memory is killed within seconds.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
# A job starts as soon as there is room, not at the next look.
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# The nodes have the cores and the memory that are written here, whatever the machine has.
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
# Ended jobs stay in the queue's memory: it is the only one.
MinJobAge=3600
KillWait=2
GresTypes=gpu
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[26821-26822] CPUs=2 RealMemory=64000 Gres=gpu:fake:2
PartitionName=cpu Nodes=n[1-2] Default=YES MaxTime=INFINITE DefMemPerCPU=500 State=UP
PartitionName=gpu Nodes=n[1-2] MaxTime=INFINITE DefMemPerCPU=500 State=UP
C
echo "NodeName=n[1-2] Name=gpu Type=fake File=$folder/dev/gpu[0-1]" > /etc/slurm/gres.conf
printf 'ConstrainRAMSpace=no\nConstrainCores=no\nConstrainDevices=no\n' > /etc/slurm/cgroup.conf

munged --force --key-file="$folder/munge.key" --socket="$folder/run/munge.sock" --pid-file="$folder/run/munged.pid" \
  --log-file="$folder/log/munged.log" --seed-file="$folder/munge.seed"
slurmctld -i
slurmd -N n1
slurmd -N n2
for _ in $(seq 200); do
  [ "$(sinfo -h -N -p cpu -t idle -o %N 2> /dev/null | wc -l)" = 2 ] && exit 0
  sleep 0.1
done
echo "the nodes of the test cluster did not become idle:"
sinfo || true
tail -n 5 "$folder"/log/*.log
exit 1
