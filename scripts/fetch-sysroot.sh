#!/usr/bin/env bash
# Unpacks the Debian arm64 packages of sysroot-packages.txt, and all that they depend on, into the folder given. Nothing is installed and
# the package system of this machine is not touched: apt runs with state, cache and sources of its own, and checks Debian's signature.
# With names after the folder only these packages are unpacked. Does nothing if the folder already holds just that.
set -euo pipefail
target=$(realpath -m "$1")
shift
here=$(realpath "$(dirname "$0")")
suite=bookworm

if (($# > 0)); then packages=("$@"); else mapfile -t packages < <(sed -e 's/#.*//' -e '/^ *$/d' "$here/sysroot-packages.txt"); fi
# The stamp lies beside the folder: the guest shall not see it.
stamp=$target.stamp
wanted=$(printf '%s\n' "${packages[@]}" | cat - "$0" | sha256sum)
if [ -d "$target" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial "$work/root"
: >"$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$work/sources.list"
apt=(apt-get -qq
  -o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
  -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "APT::Sandbox::User=$(id -un)"
  -o Acquire::Retries=3 -o Acquire::Languages=none -o Debug::NoLocking=1)
"${apt[@]}" update >&2
"${apt[@]}" install --yes --download-only --no-install-recommends "${packages[@]}" >&2

# One /usr for programs and libraries, as an installed system has; packages of this suite still ship both places.
root=$work/root
for archive in "$work"/cache/archives/*.deb; do dpkg-deb -x "$archive" "$root"; done
for folder in bin sbin lib; do
  if [ -d "$root/$folder" ]; then
    mkdir -p "$root/usr/$folder"
    cp -a "$root/$folder/." "$root/usr/$folder/"
    rm -rf "${root:?}/$folder"
    ln -s "usr/$folder" "$root/$folder"
  fi
done
# What the packages' installation scripts would have made.
mkdir -p "$root/etc" "$root/tmp" "$root/root"
chmod 1777 "$root/tmp"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
[ -e "$root/usr/bin/awk" ] || [ ! -e "$root/usr/bin/mawk" ] || ln -s mawk "$root/usr/bin/awk"
chmod -R u+rwX "$root"

rm -rf "$target"
mv "$root" "$target"
echo "$wanted" >"$stamp"
