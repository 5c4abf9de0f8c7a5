#!/bin/sh
# Process 1 of a machine, in namespaces of its own. Its argument is the directory in which bootfiles.ts has laid out the
# boot. On its output it says its process id, as seen from outside, and `ready` when everything is mounted; on its input
# it is told `start NAME`, and `stop`, which asks everything that runs to end. It ends when its input does, and the
# kernel then ends all others. What they leave behind they leave to process 1, which reaps it.
set -eu
umask 022
export PATH=/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

read -r pid _ </proc/self/stat # The old /proc still: it shows the process ids of the outside.
echo "pid $pid"

# Paths are relative, and mount leaves them so: what is mounted over a parent of this directory hides nothing.
cd "$1"
bind() { mount --no-canonicalize --rbind "$1" "$2"; }

mkdir -p stage
mount --no-canonicalize -t tmpfs -o mode=0755 machine stage
cd stage
mkdir etc etc-upper etc-work opt run sys tmp var
chmod 1777 tmp
mkdir -p run/lock var/cache var/lib var/tmp
chmod 1777 run/lock var/tmp
ln -s /run var/run
ln -s /run/lock var/lock
mount --no-canonicalize -t overlay -o lowerdir=/etc,upperdir=etc-upper,workdir=etc-work etc etc
# A file of ours replaces a link of that name, and does not go through it.
cp -a --remove-destination ../root/. .
while read -r to from; do
  mkdir -p "$(dirname "./$to")"
  if [ -d "$from" ]; then mkdir -p "./$to"; else : >"./$to"; fi
  mount --rbind "$from" "./$to"
done <../mounts
mount --no-canonicalize -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
for each in etc opt run sys tmp var; do bind "$each" "/$each"; done

mount -t proc proc /proc
cd -P ../kernel # As it is, not as it was called: that name is hidden now.
find . -type f | while read -r each; do bind "$each" "/proc/sys/$each"; done
cd /
cat /etc/hostname >/proc/sys/kernel/hostname
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
mount --make-rshared /
echo ready

# Runs a program for ever.
keep() {
  while :; do
    status=0
    "/run/services/$1" >>"/var/log/$1.log" 2>&1 </dev/null || status=$?
    echo "$1 ended with status $status and is started again" >>"/var/log/$1.log"
    sleep 1
  done
}

# Asks everything to end but what writes the logs of pods (whose last words matter), and the shell that does this.
stop() {
  for each in /proc/[0-9]*; do
    read -r comm <"$each/comm" || continue
    case $comm in containerd*) continue ;; esac
    if [ "${each#/proc/}" != "$self" ]; then kill -TERM "${each#/proc/}" || :; fi
  done 2>/dev/null
}

obey() {
  read -r self _ </proc/self/stat
  while read -r word name; do
    case $word in
      start) keep "$name" & ;;
      stop) stop ;;
    esac
  done
}

exec 3<&0
obey <&3 3<&- &
exec 3<&-
wait $!
