# Publishes what waits in the queue, each path with retries, twice as long after each. Run by a unit, outside any build.
# Set by the module: QUEUE, CACHE (a URL of `nix copy`), TOKEN_FILE (empty: none), OWN_NAMES (names of this host),
# ATTEMPTS, FIRST_PAUSE_S, TIMEOUT_S.
set -u
host=${CACHE#*://}
host=${host%%[/?]*}
host=${host##*@}
host=${host%%:*}
for name in localhost 127.0.0.1 $OWN_NAMES; do
  if [ "$host" = "$name" ]; then
    echo "bulkhead-cache: $CACHE is this host itself: nothing is published" >&2
    exit 0
  fi
done
if [ -n "$TOKEN_FILE" ]; then
  mode=$(stat -L -c %a "$TOKEN_FILE" 2>/dev/null)
  if [ "$mode" != 600 ] && [ "$mode" != 400 ]; then
    echo "bulkhead-cache: $TOKEN_FILE is missing or not of mode 0600 (${mode:-not there}): nothing is published" >&2
    exit 0
  fi
fi
failed=0
for entry in "$QUEUE"/*; do
  [ -L "$entry" ] || continue
  path=$(readlink "$entry")
  # Collected as garbage in the meantime: there is nothing left to publish.
  [ -e "$path" ] || { rm -f "$entry"; continue; }
  attempt=1
  pause=$FIRST_PAUSE_S
  until timeout "$TIMEOUT_S" nix copy ${TOKEN_FILE:+--netrc-file "$TOKEN_FILE"} --to "$CACHE" "$path"; do
    if [ "$attempt" -ge "$ATTEMPTS" ]; then
      echo "bulkhead-cache: $path was not taken after $ATTEMPTS attempts; it stays in the queue" >&2
      failed=1
      continue 2
    fi
    attempt=$((attempt + 1))
    sleep "$pause"
    pause=$((pause * 2))
  done
  rm -f "$entry"
done
exit $failed
