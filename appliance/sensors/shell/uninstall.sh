#!/bin/sh
# Removes the Bulkhead sensor for Linux from this machine. The appliance knows of it until an administrator revokes it there.
#
#   --root DIR   below this folder instead of /
set -eu
root=''
case ${1:-} in
  --root) root=${2%/} ;;
  '') ;;
  *) sed -n 's/^#   //p' "$0" >&2 && exit 2 ;;
esac
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || { echo 'uninstall.sh has to be run as root' >&2 && exit 1; }
if [ -z "$root" ] && [ -d /run/systemd/system ] && [ -e /etc/systemd/system/bulkhead-sensor.service ]; then
  systemctl disable --now bulkhead-sensor.service || :
  rm -f /etc/systemd/system/bulkhead-sensor.service
  systemctl daemon-reload
elif [ -s "$root/var/lib/bulkhead-sensor/pid" ]; then
  kill "$(cat "$root/var/lib/bulkhead-sensor/pid")" 2>/dev/null || :
fi
rm -rf "$root/usr/local/lib/bulkhead-sensor" "$root/etc/bulkhead-sensor" "$root/var/lib/bulkhead-sensor"
echo 'the sensor is removed'
