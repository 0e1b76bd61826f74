#!/bin/sh
# browser.sh: opens a report and an animation in headless Chromium and tries what a reader would try.
# The last line is `N passed, N failed`; without Chromium one line says so, and nothing fails.
set -u
cd "$(dirname "$0")/.." || exit 1
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo 'test-browser: there is no Chromium on this machine (Debian: chromium); left out'
  exit 0
}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
build/release/nnlua tests/browser.lua "$folder" || exit 1

passed=0
failed=0
browse() { # OPTION... FILE
  timeout -k 5 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
    --user-data-dir="$folder/profile" --window-size=700,900 --enable-logging=stderr "$@" \
    </dev/null 2>"$folder/log"
}
# judge NAME: counts and shows what was seen; a message on the console is a failure.
judge() {
  grep 'CONSOLE' "$folder/log" | sed 's/.*CONSOLE/FAIL console: /' >>"$folder/seen"
  sed "s|^|$1: |" "$folder/seen"
  passed=$((passed + $(grep -c '^pass' "$folder/seen")))
  failed=$((failed + $(grep -c '^FAIL' "$folder/seen")))
}

for scheme in light dark; do
  browse --virtual-time-budget=3000 --dump-dom \
    --blink-settings=preferredColorScheme=$([ $scheme = dark ] && echo 0 || echo 1) \
    "file://$folder/report-test.html#$scheme" >"$folder/dom"
  grep -oE '^(<body><pre id="seen">)?(pass|FAIL) .*' "$folder/dom" | sed 's/^<.*>//' >"$folder/seen"
  grep -q '^end</pre>' "$folder/dom" || echo 'FAIL the page tried everything' >>"$folder/seen"
  judge "report, $scheme"
done
for time in 0001 0900 1800; do
  mkdir -p "$folder/shots/$time"
  browse --virtual-time-budget=$time --screenshot="$folder/shots/$time/moving.png" \
    "file://$folder/moving.svg"
done
build/release/nnlua tests/browser.lua "$folder" shots >"$folder/seen"
judge animation
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
