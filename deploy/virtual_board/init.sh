#!/bin/busybox sh
# First program of a virtual board: finds disk, network and camera, puts this board's keys in place and becomes sshd.
# With `task=compile` on the kernel's command line it does what the packages' scripts would have done, and ends.
/bin/busybox --install -s /bin
export PATH=/bin

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module parameters; do
  insmod "/modules/$module" $parameters || echo "init: $module could not be loaded"
done < /modules/order
tries=0
while [ ! -e /dev/vda ] && [ $tries -lt 100 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
mount -t ext4 -o noatime /dev/vda /newroot || echo "init: the disk cannot be mounted"

for folder in dev proc sys; do
  mount --move "/$folder" "/newroot/$folder"
done
mkdir -p /newroot/dev/pts /newroot/dev/shm
mount -t devpts -o gid=5,mode=620 devpts /newroot/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /newroot/dev/shm
mount -t tmpfs -o mode=755 tmpfs /newroot/run
mkdir -m 755 /newroot/run/sshd

if [ "$task" = compile ]; then
  chroot /newroot /bin/sh -c 'python3 -m compileall -q -j 2 -x "/tests?/" /usr/lib/python3*' && echo "init: compiled"
  umount /newroot/run /newroot/dev/shm
  mount -o remount,ro /newroot
  poweroff -f
fi

hostname "$(cat /newroot/etc/hostname)"
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up

# /board is this board's own archive, which follows the one that all boards share.
cp /board/ssh_host_ed25519_key /newroot/etc/ssh/
chmod 600 /newroot/etc/ssh/ssh_host_ed25519_key
for home in /newroot/home/pi /newroot/root; do
  cp /board/authorized_keys "$home/.ssh/"
  chmod 600 "$home/.ssh/authorized_keys"
done
chown -R 1000:1000 /newroot/home/pi/.ssh

for device in /newroot/dev/video*; do
  [ -e "$device" ] && chown 0:44 "$device" && chmod 660 "$device"
done
exec switch_root /newroot /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config_virtual
