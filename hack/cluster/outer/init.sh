#!/bin/sh
# Process 1 of the outer namespaces of a cluster. Its arguments: a mark by which it is found among the processes, the name
# of the cluster, its state directory, the daemon's interpreter and file, and the files by which it enters its cgroups.
# When the daemon ends, it ends, and the kernel ends all others. What they leave behind they leave to process 1; a shell
# reaps it while it waits.
name=$2 dir=$3 node=$4 daemon=$5
shift 5
for cgroup; do echo 0 >"$cgroup"; done
mount -t proc proc /proc
echo "$name" >/proc/sys/kernel/hostname
"$node" "$daemon" "$dir" &
wait $!
