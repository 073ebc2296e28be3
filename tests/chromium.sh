#!/bin/sh
# Make sure the browser tests find a Chromium: one on the machine, else apt's, else Playwright's own.
# Usage: chromium.sh [sudo]
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -d "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "no Chromium found: the browser tests are skipped" >&2
    exit 0
fi
echo "Installing chromium" >&2
${1:-} apt-get update -qq
${1:-} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null || echo "apt has no chromium: the browser tests are skipped" >&2
