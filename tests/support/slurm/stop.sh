#!/usr/bin/env bash
# Stop what tests/slurm/start.sh started in FOLDER, its jobs first: tests/slurm/stop.sh FOLDER
set -uo pipefail
folder=$(realpath -m "$1")

# Whether process $1 runs and is one of ours: a number in a stale file may be another's by now.
alive() {
  ps -o stat=,comm= -p "$1" | grep -Eq '^[^Z].* (slurmd|slurmctld|munged)$'
}

pids() {
  for file in "$folder"/run/slurmd.n?.pid "$folder/run/slurmctld.pid" "$folder/run/munged.pid"; do
    pid=$(cat "$file" 2> /dev/null) && alive "$pid" && echo "$pid"
  done
}

[ -z "$(pids)" ] || timeout 10 scancel --me 2> /dev/null
for _ in $(seq 50); do
  [ -n "$(pids)" ] && [ -n "$(timeout 5 squeue -h --me 2> /dev/null)" ] || break
  sleep 0.1
done
for pid in $(pids); do
  kill "$pid"
  for _ in $(seq 100); do alive "$pid" || break; sleep 0.1; done
done

if grep -qsxF "# Written by tests/slurm/start.sh for $folder" /etc/slurm/slurm.conf; then
  # Without cgroups Slurm loses sight of what a killed shell has started.
  for place in /proc/[0-9]*; do
    grep -qsz '^SLURM_CLUSTER_NAME=amongus_test$' "$place/environ" && kill -9 "${place#/proc/}" 2> /dev/null
  done
  # Without its configuration Slurm's programs fail at once instead of looking for a controller.
  rm -f /etc/slurm/slurm.conf /etc/slurm/gres.conf /etc/slurm/cgroup.conf
fi
exit 0
