#!/bin/sh
# Bulkhead sensor for Linux: looks at this machine, tells the appliance what is not as it should be and when it is again, and carries
# out what the appliance asks for, out of a closed list. POSIX sh, curl and openssl.
#
#   sensor.sh register CODE   be let in by a one-time code; without CODE: wait to be approved
#   sensor.sh once            one round: checks that are due, what waits is sent, a heartbeat if it is due
#   sensor.sh run             rounds until it is stopped
set -u
set -f
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

SENSOR_VERSION=1.0.0
STATE=${BULKHEAD_SENSOR_STATE:-/var/lib/bulkhead-sensor}
CONF=${BULKHEAD_SENSOR_CONF:-/etc/bulkhead-sensor/sensor.conf}
# Events that wait while the appliance is away; the oldest go first.
QUEUE_MAX=1000
# Seconds between two looks; asking for updates takes the machine a while.
LOOK_OFTEN=10
LOOK_SELDOM=3600
HEARTBEAT=60
# Seconds that a clock may differ from the appliance's.
CLOCK_MAX=5
# Characters of a sentence that is reported.
TEXT_MAX=1000

say() { printf '%s\n' "$*" >&2; }

die() {
  say "bulkhead-sensor: $*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# ---- configuration and state -----------------------------------------------------------------------------------------

# Read word by word, never run.
url='' healing=on checks='patches ssh firewall disk services time users' disk_percent=90 services='' nft_rules=/etc/nftables.conf
read_conf() {
  [ -r "$CONF" ] || die "$CONF is missing: install the sensor again"
  while IFS='=' read -r name value; do
    case $name in
      url) url=$value ;;
      healing) healing=$value ;;
      checks) checks=$value ;;
      disk_percent) disk_percent=$value ;;
      services) services=$value ;;
      nft_rules) nft_rules=$value ;;
    esac
  done <"$CONF"
  case $url in
    http://* | https://*) ;;
    *) die "$CONF: url is no address of an appliance" ;;
  esac
  mkdir -p "$STATE/queue" "$STATE/checks" "$STATE/tmp" || die "cannot write to $STATE"
}

# keep NAME VALUE: one line that outlives the script.
keep() { printf '%s\n' "$2" >"$STATE/tmp/keep" && mv "$STATE/tmp/keep" "$STATE/$1"; }

# kept NAME DEFAULT
kept() {
  kept_value=$2
  [ ! -r "$STATE/$1" ] || read -r kept_value <"$STATE/$1" || kept_value=$2
  printf '%s' "$kept_value"
}

local_time() { date +%s; }

# The appliance's clock, as it was last told.
now() { printf '%s' $(($(local_time) + $(kept offset 0))); }

learn_time() {
  case $1 in '' | *[!0-9]*) return ;; esac
  keep offset $(($1 - $(local_time)))
}

host() { uname -n; }

# text WORDS…: as it may stand between the quotes of JSON.
text() { printf '%s' "$*" | tr '\n\t' '  ' | tr -cd '\040-\176' | cut -c "1-$TEXT_MAX" | sed 's/\\/\\\\/g; s/"/\\"/g'; }

# field NAME: a value of an answer in JSON that can hold no quote; from standard input.
field() { tr -d '\n' | sed -n "s/.*\"$1\":\"\{0,1\}\([A-Za-z0-9_.:+-]*\).*/\1/p"; }

# ---- talking to the appliance ----------------------------------------------------------------------------------------

# The key itself is not kept, and never stands on a command line where other users could read it: only what HMAC makes of it first
# (RFC 2104: the key, filled up to 64 bytes, XOR 0x36 and 0x5c), in two files that only root reads.
keep_key() {
  key_left=$1 inner='' outer='' count=0
  while [ "$count" -lt 64 ]; do
    code=0
    if [ -n "$key_left" ]; then
      key_rest=${key_left#?}
      code=$(printf '%d' "'${key_left%"$key_rest"}")
      key_left=$key_rest
    fi
    inner="$inner\\0$(printf '%03o' $((code ^ 0x36)))"
    outer="$outer\\0$(printf '%03o' $((code ^ 0x5c)))"
    count=$((count + 1))
  done
  printf '%b' "$inner" >"$STATE/key-inner"
  printf '%b' "$outer" >"$STATE/key-outer"
}

# mac: HMAC of standard input, in base64.
mac() {
  cat "$STATE/key-inner" - | openssl dgst -sha256 -binary >"$STATE/tmp/inner"
  cat "$STATE/key-outer" "$STATE/tmp/inner" | openssl dgst -sha256 -binary | openssl base64 -A
}

hash() { openssl dgst -sha256 -r | cut -d ' ' -f 1; }

# sign METHOD PATH FILE: the header of a request.
sign() {
  sign_time=$(now)
  sign_nonce=$(openssl rand -hex 16)
  printf '%s' "$sign_nonce" >"$STATE/tmp/nonce"
  sign_mac=$(printf '%s\n%s\n%s\n%s\n%s' "$1" "$2" "$sign_time" "$sign_nonce" "$(hash <"$3")" | mac)
  printf 'Authorization: Bulkhead-HMAC-SHA256 key=%s, time=%s, nonce=%s, signature=%s' \
    "$(kept id '')" "$sign_time" "$sign_nonce" "$sign_mac"
}

# is_signed: whether the answer is one of the appliance to the last request that was signed. Who can change what travels could otherwise
# give commands to root, and take events for recorded.
is_signed() {
  own_mac=$(printf 'answer\n%s\n%s\n%s' "$(cat "$STATE/tmp/nonce")" "$STATUS" "$(hash <"$STATE/tmp/answer")" | mac)
  told_mac=$(tr -d '\r' <"$STATE/tmp/headers" | sed -n 's/^[Bb]ulkhead-[Aa]nswer: *//p')
  [ "$own_mac" = "$told_mac" ]
}

# post PATH FILE HEADER…: sets STATUS (000: nobody answered) and leaves the answer in $STATE/tmp/answer.
post() {
  post_path=$1 post_file=$2
  shift 2
  : >"$STATE/tmp/answer"
  : >"$STATE/tmp/headers"
  STATUS=$(curl -sS --max-time 20 --max-redirs 0 -D "$STATE/tmp/headers" -o "$STATE/tmp/answer" -w '%{http_code}' -H 'Content-Type: application/json' "$@" \
    --data-binary "@$post_file" "$url$post_path" 2>"$STATE/tmp/curl") || STATUS=000
}

# send PATH FILE HEADER…: signed; once more when it was the clock.
send() {
  send_path=$1 send_file=$2
  shift 2
  post "$send_path" "$send_file" -H "$(sign POST "$send_path" "$send_file")" "$@"
  if [ "$STATUS" = 401 ] && grep -q SENSOR_CLOCK "$STATE/tmp/answer"; then
    learn_time "$(field server_time <"$STATE/tmp/answer")"
    post "$send_path" "$send_file" -H "$(sign POST "$send_path" "$send_file")" "$@"
  fi
  # A refusal of somebody unknown is signed by nobody, and changes nothing here.
  case $STATUS in
    200 | 400 | 409) is_signed || { say "an answer is not signed by the appliance: $STATUS" && STATUS=000; } ;;
  esac
}

os_version() {
  os_name=''
  if [ -r /etc/os-release ]; then os_name=$(sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/os-release); fi
  printf '%s' "${os_name:-Linux}"
}

# register [CODE]: 0 when it is in, 2 while it waits.
register() {
  [ ! -s "$STATE/id" ] || return 0
  # With a code, too: an answer that got lost is given again to who has the same claim.
  [ -s "$STATE/claim" ] || keep claim "$(openssl rand -hex 32)"
  proof="\"claim\":\"$(kept claim '')\""
  [ -z "${1:-}" ] || proof="$proof,\"admission_code\":\"$(text "$1")\""
  printf '{"hostname":"%s","os_version":"%s","kernel":"%s","sensor_version":"%s",%s}' "$(text "$(host)")" \
    "$(text "$(os_version)")" "$(text "$(uname -r)")" "$SENSOR_VERSION" "$proof" >"$STATE/tmp/body"
  post /sensor/register "$STATE/tmp/body"
  case $STATUS in
    200)
      id=$(field sensor_id <"$STATE/tmp/answer")
      key=$(field api_key <"$STATE/tmp/answer")
      case $id.$key in .* | *.) die 'the appliance answered something that is no registration' ;; esac
      keep_key "$key"
      keep id "$id"
      rm -f "$STATE/tmp/answer" "$STATE/tmp/body" "$STATE/claim"
      say "registered as $id"
      ;;
    202)
      say "waits to be let in; an administrator approves the fingerprint $(field fingerprint <"$STATE/tmp/answer")"
      return 2
      ;;
    000) say "the appliance does not answer at $url: $(cat "$STATE/tmp/curl")" && return 1 ;;
    *) say "the appliance refused ($STATUS): $(field code <"$STATE/tmp/answer")" && return 1 ;;
  esac
}

# ---- events: kept until the appliance has them -----------------------------------------------------------------------

# queue JSON
queue() {
  number=$(($(kept number 0) + 1))
  keep number "$number"
  printf '%s' "$1" >"$STATE/tmp/event"
  mv "$STATE/tmp/event" "$STATE/queue/$(printf '%010d' "$number")"
}

waiting() { find "$STATE/queue" -type f | sort; }

send_queue() {
  excess=$(($(waiting | wc -l) - QUEUE_MAX))
  [ "$excess" -le 0 ] || waiting | head -n "$excess" | while read -r file; do rm -f "$file"; done
  waiting >"$STATE/tmp/waiting"
  while read -r file; do
    send /sensor/event "$file"
    case $STATUS in
      200) rm -f "$file" ;;
      # Never taken, whenever it comes.
      400 | 409 | 413)
        say "an event was refused: $(field code <"$STATE/tmp/answer")"
        rm -f "$file"
        ;;
      *)
        say "$(wc -l <"$STATE/tmp/waiting") events wait: $STATUS $(field code <"$STATE/tmp/answer")"
        return 1
        ;;
    esac
  done <"$STATE/tmp/waiting"
}

# ---- checks: 0 as it should be, 1 not, 2 there is nothing to look at. They set EXPECTED, ACTUAL, and MORE as fields of JSON ----

check_patches() {
  SEVERITY=high CONTROL='164.308(a)(5)(ii)(B)'
  EXPECTED='no security update is waiting'
  if have apt-get; then
    pending=$(apt-get -s -o Debug::NoLocking=true dist-upgrade 2>/dev/null | grep -ci '^Inst .*security')
  elif have dnf; then
    pending=$(dnf -q -C updateinfo list --security 2>/dev/null | grep -c .)
  elif have zypper; then
    pending=$(zypper -q --no-refresh list-patches --category security 2>/dev/null | grep -c '| needed')
  elif have apk; then
    pending=$(apk version -q -l '<' 2>/dev/null | grep -c .)
  else
    return 2
  fi
  ACTUAL="$pending security updates are waiting"
  [ "$pending" -eq 0 ]
}

check_ssh() {
  SEVERITY=high CONTROL='164.312(d)'
  EXPECTED='no log-in by password, none of root by password, none without a password'
  have sshd || return 2
  found=$(sshd -T 2>/dev/null) || found=$(cat /etc/ssh/sshd_config 2>/dev/null)
  [ -n "$found" ] || return 2
  ACTUAL=$(printf '%s\n' "$found" | awk '
    { name = tolower($1); value = tolower($2) }
    name == "passwordauthentication" && !(name in seen) { seen[name]; if (value == "yes") wrong = wrong " PasswordAuthentication yes;" }
    name == "permitrootlogin" && !(name in seen) { seen[name]; if (value == "yes") wrong = wrong " PermitRootLogin yes;" }
    name == "permitemptypasswords" && !(name in seen) { seen[name]; if (value == "yes") wrong = wrong " PermitEmptyPasswords yes;" }
    END { print wrong }')
  ACTUAL=${ACTUAL# }
  [ -z "$ACTUAL" ]
}

check_firewall() {
  SEVERITY=critical CONTROL='164.312(e)(1)'
  EXPECTED='what comes in is dropped unless a rule allows it'
  ACTUAL=''
  if have nft && nft list ruleset 2>/dev/null | grep -Eq 'hook input .*policy drop'; then return 0; fi
  if have ufw && ufw status 2>/dev/null | grep -q '^Status: active'; then return 0; fi
  if have firewall-cmd && [ "$(firewall-cmd --state 2>/dev/null)" = running ]; then return 0; fi
  if have iptables && iptables -S INPUT 2>/dev/null | grep -q '^-P INPUT DROP'; then return 0; fi
  ACTUAL='nothing filters what comes in'
  return 1
}

check_disk() {
  SEVERITY=medium CONTROL='164.308(a)(7)'
  EXPECTED="every file system is filled to less than $disk_percent %"
  # Images that are mounted read-only are always full.
  ACTUAL=$(df -P 2>/dev/null | awk -v most="$disk_percent" '
    $1 ~ /^\/dev\// && $1 !~ /^\/dev\/loop/ && !($1 in seen) { seen[$1]; if ($5 + 0 >= most) printf "%s %s; ", $6, $5 }')
  [ -z "$ACTUAL" ]
}

check_services() {
  SEVERITY=high CONTROL='164.308(a)(7)'
  EXPECTED='no service has failed, and those that are asked for run'
  down=''
  if have systemctl && [ -d /run/systemd/system ]; then
    down=$(systemctl list-units --failed --type=service --plain --no-legend 2>/dev/null | awk '{ print $1 }')
    for service in $services; do
      systemctl is-active --quiet "$service" || down="$down $service"
    done
  elif have rc-status; then
    down=$(rc-status --crashed 2>/dev/null | awk 'NF { print $1 }')
  else
    return 2
  fi
  # shellcheck disable=SC2086 # one word each
  set -- $down
  ACTUAL="$*"
  # What a rule starts again.
  [ $# -eq 0 ] || MORE=",\"service\":\"$(text "$1")\""
  [ $# -eq 0 ]
}

check_time() {
  SEVERITY=medium CONTROL='164.312(b)'
  EXPECTED="the clock is within $CLOCK_MAX s of the appliance's, and is kept"
  # Nothing is known before the appliance has said what time it is.
  [ -s "$STATE/offset" ] || return 2
  offset=$(kept offset 0)
  ACTUAL=''
  if [ "${offset#-}" -gt "$CLOCK_MAX" ]; then ACTUAL="the clock is off by $offset s; "; fi
  if have timedatectl && [ -d /run/systemd/system ]; then
    [ "$(timedatectl show -p NTP --value 2>/dev/null)" != no ] || ACTUAL="${ACTUAL}nothing keeps the clock"
  fi
  [ -z "$ACTUAL" ]
}

check_users() {
  SEVERITY=critical CONTROL='164.312(a)(2)(i)'
  EXPECTED='root is the only account with its rights, and no account is without a password'
  roots=$(awk -F : '$3 == 0 && $1 != "root" { printf "%s ", $1 }' /etc/passwd)
  empty=$(awk -F : '$2 == "" { printf "%s ", $1 }' /etc/shadow 2>/dev/null)
  ACTUAL="${roots:+with the rights of root: $roots}${empty:+without a password: $empty}"
  [ -z "$ACTUAL" ]
}

# due NAME SECONDS: whether it is time again; then the time begins anew.
due() {
  due_at=$(kept "$1" 0)
  due_now=$(local_time)
  # A clock that was set back must not stop anything.
  if [ "$due_now" -lt "$due_at" ] && [ $((due_at - due_now)) -le "$2" ]; then return 1; fi
  keep "$1" $((due_now + $2))
}

# look CHECK [again]: reports what has changed; with `again` how it is, changed or not.
look() {
  EXPECTED='' ACTUAL='' MORE='' SEVERITY=medium CONTROL=''
  "check_$1"
  found=$?
  before=$(kept "checks/$1" none)
  case $found in
    0)
      [ "$before" != passed ] || [ -n "${2:-}" ] || return 0
      queue "{\"event\":\"resolved\",\"hostname\":\"$(text "$(host)")\",\"drift_type\":\"$1\",\"resolved_at\":$(now)}"
      keep "checks/$1" passed
      ;;
    1)
      [ "$before" != "failed $(text "$ACTUAL")" ] || [ -n "${2:-}" ] || return 0
      queue "{\"event\":\"drift\",\"hostname\":\"$(text "$(host)")\",\"drift_type\":\"$1\",\"severity\":\"$SEVERITY\",\"check_id\":\"$CONTROL\",\
\"detected_at\":$(now),\"sensor_version\":\"$SENSOR_VERSION\",\"event_id\":\"$(kept number 0)\",\
\"details\":{\"expected\":\"$(text "$EXPECTED")\",\"actual\":\"$(text "$ACTUAL")\",\"platform\":\"linux\"$MORE}}"
      keep "checks/$1" "failed $(text "$ACTUAL")"
      # What is to be done is asked for soon.
      rm -f "$STATE/heartbeat"
      ;;
  esac
}

look_at_all() {
  for check in $checks; do
    case $check in
      patches) due due-patches "$LOOK_SELDOM" && look patches ;;
      ssh | firewall | disk | services | time | users) look "$check" ;;
      *) say "there is no check '$check'" ;;
    esac
  done
}

# ---- commands --------------------------------------------------------------------------------------------------------

# limited SECONDS PROGRAM…
limited() {
  if have timeout; then timeout "$@"; else shift && "$@"; fi
}

start_service() {
  if have systemctl && [ -d /run/systemd/system ]; then
    limited "$1" systemctl enable --now -- "$2" || limited "$1" systemctl restart -- "$2"
  elif have rc-service; then
    limited "$1" rc-service "$2" start
  else
    limited "$1" service "$2" start
  fi
}

# With the rules that the system has: this script knows none that would be right for it.
enable_firewall() {
  if have ufw; then
    limited "$1" ufw --force enable
  elif have firewall-cmd; then
    start_service "$1" firewalld
  elif have nft && [ -r "$nft_rules" ]; then
    # Looked at whole before any of it counts.
    limited "$1" nft -c -f "$nft_rules" && limited "$1" nft -f "$nft_rules" || return 1
    ! [ -d /run/systemd/system ] || systemctl enable nftables.service
  else
    say 'there is no firewall with rules to switch on'
    return 1
  fi
}

restart_time_sync() {
  for service in chronyd chrony systemd-timesyncd ntpsec ntpd; do
    if [ -d /run/systemd/system ]; then
      systemctl cat "$service.service" >/dev/null 2>&1 || continue
      limited "$1" systemctl restart "$service.service"
      return
    fi
    [ -x "/etc/init.d/$service" ] || continue
    limited "$1" "/etc/init.d/$service" restart
    return
  done
  say 'there is no service that keeps the clock'
  return 1
}

free_disk_space() {
  ! have journalctl || limited "$1" journalctl --vacuum-size=100M
  if have apt-get; then
    limited "$1" apt-get clean
  elif have dnf; then
    limited "$1" dnf -q clean packages
  elif have apk; then
    limited "$1" apk cache clean
  fi
}

# carry_out ACTION SECONDS NAME=VALUE…
carry_out() {
  action=$1 seconds=$2 service=''
  shift 2
  for pair in "$@"; do
    value=$(printf '%s' "${pair#*=}" | sed 's/%40/@/g')
    case ${pair%%=*} in
      service) service=$value ;;
      *) say "there is no parameter '${pair%%=*}'" && return 1 ;;
    esac
  done
  [ "$healing" = on ] || { say 'healing is switched off on this machine' && return 1; }
  case $action in
    start_service)
      case $service in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9@_.-]*) say 'no name of a service' && return 1 ;; esac
      start_service "$seconds" "$service"
      ;;
    enable_firewall) enable_firewall "$seconds" ;;
    restart_time_sync) restart_time_sync "$seconds" ;;
    free_disk_space) free_disk_space "$seconds" ;;
    *) say "this sensor has no action '$action'" && return 1 ;;
  esac
}

# command ID CHECK ACTION SECONDS NAME=VALUE…
run_command() {
  case $1$2$3 in *[!A-Za-z0-9_.-]*) return ;; esac
  case $4 in '' | *[!0-9]*) return ;; esac
  command_id=$1 command_check=$2
  # Noted before it is begun: one that takes the machine down with it is not begun again.
  ! grep -qx "$command_id" "$STATE/begun" 2>/dev/null || return
  { tail -n 200 "$STATE/begun" 2>/dev/null; printf '%s\n' "$command_id"; } >"$STATE/tmp/begun"
  mv "$STATE/tmp/begun" "$STATE/begun"
  shift 2
  success=true words=''
  carry_out "$@" >"$STATE/tmp/output" 2>&1 </dev/null || success=false
  [ "$success" = true ] || words=$(tail -c 500 "$STATE/tmp/output")
  queue "{\"event\":\"healing\",\"hostname\":\"$(text "$(host)")\",\"command_id\":\"$command_id\",\"drift_type\":\"$command_check\",\
\"success\":$success,\"error_message\":\"$(text "$words")\",\"finished_at\":$(now)}"
  # What it did is not believed: how it is now counts. Times are told in seconds, and a look in the second of the act could be before it.
  sleep 1
  case " $checks " in *" $command_check "*) look "$command_check" again ;; esac
}

heartbeat() {
  drifts=$(find "$STATE/checks" -type f -exec cat {} + | grep -c '^failed')
  compliant=true
  [ "$drifts" -eq 0 ] || compliant=false
  read -r uptime _ </proc/uptime || uptime=0
  printf '{"hostname":"%s","sensor_version":"%s","timestamp":%s,"drift_count":%s,"compliant":%s,"uptime_seconds":%s,"mode":"shell"}' \
    "$(text "$(host)")" "$SENSOR_VERSION" "$(now)" "$drifts" "$compliant" "$uptime" >"$STATE/tmp/body"
  send /sensor/heartbeat "$STATE/tmp/body" -H 'Accept: text/plain'
  if [ "$STATUS" != 200 ]; then
    rm -f "$STATE/heartbeat"
    say "no heartbeat: $STATUS $(field code <"$STATE/tmp/answer")"
    return 1
  fi
  cp "$STATE/tmp/answer" "$STATE/tmp/orders"
  while read -r word rest; do
    case $word in
      server_time) learn_time "$rest" ;;
      command)
        # shellcheck disable=SC2086 # the words of a command; none is a pattern (set -f)
        set -- $rest
        [ $# -lt 4 ] || run_command "$@"
        ;;
    esac
  done <"$STATE/tmp/orders"
}

# ---- rounds ----------------------------------------------------------------------------------------------------------

round() {
  register || return 0
  look_at_all
  send_queue || return 0
  # What was found is known there before it is asked what to do.
  if due heartbeat "$HEARTBEAT" && heartbeat; then send_queue || :; fi
}

read_conf
case ${1:-} in
  register) register "${2:-}" ;;
  once) round ;;
  run)
    trap 'exit 0' TERM INT
    while :; do
      round
      # In the background, so that an end does not have to wait for it.
      sleep "$LOOK_OFTEN" &
      wait $!
    done
    ;;
  *) die 'usage: sensor.sh register [CODE] | once | run' ;;
esac
