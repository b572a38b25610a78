#!/usr/bin/env bash
# Installs what some tests need of the system, where that is allowed without asking. Never fails: what is missing then
# is named by the tests that it keeps from running.
set -u
missing=()
need() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing+=("$2"); }
need sshd openssh-server
need ssh openssh-client
need dropbear dropbear-bin
# Login shells that boards have, and what people start in login files.
need zsh zsh
need fish fish
need csh csh
need tcsh tcsh
need mksh mksh
need busybox busybox-static
need tmux tmux
need patchelf patchelf
[ -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)" ] || missing+=(postgresql)
# For an emulated ARM board (deploy/virtual_board).
need qemu-system-aarch64 qemu-system-arm
need qemu-system-x86_64 qemu-system-x86
need mmdebstrap mmdebstrap
need cpio cpio
need depmod kmod
need mke2fs e2fsprogs
[ "$(id -u)" -eq 0 ] || need newuidmap uidmap
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
# For report.html as a browser shows it.
browser=
for program in chromium chromium-browser google-chrome google-chrome-stable; do
  command -v "$program" >/dev/null && browser=$program
done
[ -n "$browser" ] || missing+=(chromium)
[ ${#missing[@]} -eq 0 ] && exit 0
command -v apt-get >/dev/null || { echo "no apt-get here to install ${missing[*]}: some tests will not run" >&2; exit 0; }
run=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || { echo "may not install what some tests need (sudo apt install ${missing[*]})" >&2; exit 0; }
  run=(sudo -n)
fi
echo "installing ${missing[*]} for the tests"
# No service is wanted, only programs: the tests start their own, on the loopback.
"${run[@]}" apt-get update -qq &&
  for package in "${missing[@]}"; do  # one by one: a package that this release lacks keeps no other one out
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
      echo "$package could not be installed: some tests will not run" >&2
  done
exit 0
