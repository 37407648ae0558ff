# Nix calls this after each build, and waits for it: it writes the paths down and is done. A build never fails for it.
# Set by the module: QUEUE (a folder), FILTER (an extended regular expression that names of paths have to match).
set +e
umask 077
mkdir -p "$QUEUE" 2>/dev/null
for path in ${OUT_PATHS:-}; do
  name=${path##*/}
  name=${name#*-}
  if printf '%s\n' "$name" | grep -Eq -- "$FILTER"; then
    # A file for each, made under its final name in one step: whoever reads the queue never sees half a line.
    ln -sfn "$path" "$QUEUE/${path##*/}" 2>/dev/null || echo "bulkhead-cache: $path is not published: the queue cannot be written" >&2
  fi
done
exit 0
