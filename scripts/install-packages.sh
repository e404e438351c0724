#!/usr/bin/env bash
# Installs the Debian packages of scripts/packages.txt that are missing, of the groups named if there are any. Says nothing and changes nothing when all are there.
set -euo pipefail
cd "$(dirname "$0")"
# One at a time: a parallel make asks for several groups at once.
exec 9<packages.txt
flock 9

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
while read -r group line; do
  if (($# > 0)) && [[ " $* " != *" $group "* ]]; then continue; fi
  IFS='|' read -r -a alternatives <<<"${line// /}"
  found=
  for package in "${alternatives[@]}"; do
    if installed "$package"; then found=yes; break; fi
  done
  [ -n "$found" ] || missing+=("${line// /}")
done < <(grep -vE '^[[:space:]]*(#|$)' packages.txt)
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "Not a Debian system. Install what provides these packages and run again: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "These Debian packages are missing; install them as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi

"${as_root[@]}" apt-get update >&2 || echo "apt-get update failed; trying with the package lists at hand" >&2
wanted=()
for line in "${missing[@]}"; do
  IFS='|' read -r -a alternatives <<<"$line"
  choice=${alternatives[0]}
  for package in "${alternatives[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then choice=$package; break; fi
  done
  wanted+=("$choice")
done
echo "Installing Debian packages: ${wanted[*]}" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}" >&2
