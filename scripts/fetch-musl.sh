#!/usr/bin/env bash
# Unpacks Debian's arm64 packages of musl (C library, headers, dynamic linker) into the folder given, without touching the
# package system of this machine: apt runs with state, cache and sources of its own. Debian's signature is checked by apt.
set -euo pipefail
target=$(realpath -m "$1")
suite=bookworm
version=1.2.3-1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$work/sources.list"
apt=(apt-get -q
  -o "Dir::State=$work/state" -o Dir::State::status=/dev/null -o "Dir::Cache=$work/cache"
  -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "APT::Sandbox::User=$(id -un)"
  -o Acquire::Retries=3)

cd "$work"
"${apt[@]}" update >&2
"${apt[@]}" download "musl=$version" "musl-dev=$version" >&2
rm -rf "$target"
mkdir -p "$target"
for package in ./*.deb; do dpkg-deb -x "$package" "$target"; done
