#!/usr/bin/env bash
# Installs what some tests need of the system, where that is allowed without asking. Never fails: what is missing then
# is named by the tests that it keeps from running.
set -u
[ -x /usr/sbin/sshd ] && [ -n "$(command -v ssh)" ] && exit 0
command -v apt-get >/dev/null || { echo "no apt-get here: the tests against OpenSSH need its server, sshd" >&2; exit 0; }
run=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || { echo "may not install openssh-server (sudo apt install openssh-server)" >&2; exit 0; }
  run=(sudo -n)
fi
echo "installing openssh-server for the tests against it"
export DEBIAN_FRONTEND=noninteractive
# The service is not wanted, only the program: the tests start their own, on the loopback.
"${run[@]}" apt-get update -qq && "${run[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends openssh-server openssh-client >/dev/null ||
  echo "openssh-server could not be installed" >&2
exit 0
