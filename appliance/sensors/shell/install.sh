#!/bin/sh
# Installs the Bulkhead sensor for Linux on this machine. It is read before it is run:
#
#   curl -fsS http://APPLIANCE:8080/sensor/install.sh -o install.sh
#   sudo sh install.sh --url http://APPLIANCE:8080 --code CODE
#
#   --url URL     the appliance
#   --code CODE   one-time code of an administrator; without it the machine waits to be approved
#   --root DIR    below this folder instead of /, and without starting anything: for images and tests
set -eu
umask 022
url='' code='' root=''
usage() {
  sed -n 's/^#   //p' "$0" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --url) url=${2%/} ;;
    --code) code=$2 ;;
    --root) root=${2%/} ;;
    *) usage ;;
  esac
  shift 2
done
case $url in
  http://?* | https://?*) ;;
  *) usage ;;
esac
case $url in *[!A-Za-z0-9.:/_%\[\]-]*) usage ;; esac
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || { echo 'install.sh has to be run as root: sudo sh install.sh …' >&2 && exit 1; }
for program in curl openssl awk sed find; do
  command -v "$program" >/dev/null 2>&1 || { echo "$program is missing on this machine; install it first" >&2 && exit 1; }
done

lib=$root/usr/local/lib/bulkhead-sensor
conf=$root/etc/bulkhead-sensor
state=$root/var/lib/bulkhead-sensor
mkdir -p "$lib" "$conf" "$state"
chmod 700 "$state" "$conf"
cat >"$lib/sensor.sh.new" <<'BULKHEAD_SENSOR_END'
@SENSOR@
BULKHEAD_SENSOR_END
chmod 755 "$lib/sensor.sh.new"
mv "$lib/sensor.sh.new" "$lib/sensor.sh"
# What an administrator has written is left alone, but for the address.
if [ -s "$conf/sensor.conf" ]; then
  sed "s|^url=.*|url=$url|" "$conf/sensor.conf" >"$conf/sensor.conf.new"
else
  cat >"$conf/sensor.conf.new" <<CONF
url=$url
# off: nothing is changed on this machine, whatever the appliance asks for
healing=on
checks=patches ssh firewall disk services time users
disk_percent=90
# services that have to run, by their names, with a space between
services=
nft_rules=/etc/nftables.conf
CONF
fi
mv "$conf/sensor.conf.new" "$conf/sensor.conf"
chmod 600 "$conf/sensor.conf"

waits=0
BULKHEAD_SENSOR_STATE=$state BULKHEAD_SENSOR_CONF=$conf/sensor.conf sh "$lib/sensor.sh" register "$code" || waits=$?
[ "$waits" -eq 0 ] || [ "$waits" -eq 2 ] || exit 1
[ -z "$root" ] || exit 0

if [ -d /run/systemd/system ]; then
  cat >/etc/systemd/system/bulkhead-sensor.service <<'UNIT'
[Unit]
Description=Bulkhead sensor
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/bin/sh /usr/local/lib/bulkhead-sensor/sensor.sh run
Restart=always
RestartSec=10
NoNewPrivileges=yes
ProtectHome=yes

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable --now bulkhead-sensor.service
  systemctl restart bulkhead-sensor.service
  echo 'the sensor runs: journalctl -u bulkhead-sensor'
else
  [ ! -s "$state/pid" ] || kill "$(cat "$state/pid")" 2>/dev/null || :
  nohup sh "$lib/sensor.sh" run >"$state/log" 2>&1 </dev/null &
  echo $! >"$state/pid"
  echo "the sensor runs, until the machine is started again: have '$lib/sensor.sh run' started at every boot"
fi
