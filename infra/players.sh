#!/usr/bin/env bash
# Brings what the player tests need: Chromium (Debian, as root only) and the npm packages of tests/players.
# What cannot be had is said, and is no failure: the tests skip for it, and fail in CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "player tests: $*" >&2; }

if ! command -v chromium >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing chromium"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null ||
      say "chromium could not be installed"
  else
    say "no chromium; on Debian: apt-get install chromium"
  fi
fi

if ! command -v npm >/dev/null; then
  say "no npm; install Node 20 or newer"
elif ! cmp -s tests/players/package-lock.json tests/players/node_modules/.lock-installed; then
  say "installing the players (once)"
  if npm ci --prefix tests/players --loglevel=error; then
    cp tests/players/package-lock.json tests/players/node_modules/.lock-installed
  else
    say "the players could not be installed"
  fi
fi
