# shellcheck shell=bash
# What the checks need, and how it is installed. Sourced by test.sh, from the root of the repository, where `log` names
# a temporary folder.
: "${log:?}"

# Makes sure that a command is there, by Debian's package if need be.
need() { # command, package
  command -v "$1" >/dev/null 2>&1 && return 0
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  [ -e "$log/updated" ] || { apt-get update -qq && touch "$log/updated"; }
  apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

# Makes a virtual environment of just the Python packages that a file names, unless it is there.
virtual_environment() { # place, requirements.txt
  cmp -s "$2" "$1/installed.txt" && return 0
  need pip3 python3-venv
  rm -rf "$1"
  python3 -m venv "$1" && "$1/bin/pip" install --quiet --requirement "$2" && cp "$2" "$1/installed.txt"
}

# What comes from PyPI: the stand-in for AWS that the tests of chaos-aws talk to (moto's server), Microsoft's SDK for
# Azure, by which the fake of Azure is measured, a reader of JUnit's XML, Chaos Toolkit, packages of holidays and of
# iCalendar, a mail server, a reader of metrics, and a checker of spelling; of each just one version.
install_python_packages() {
  virtual_environment target/moto-venv fakes/aws/requirements.txt || echo "moto could not be installed"
  virtual_environment target/azure-sdk-venv fakes/azure/src/microsoft_sdk/requirements.txt ||
    echo "Microsoft's SDK for Azure could not be installed"
  virtual_environment target/junit-venv chaos-lab/tests/report/requirements.txt ||
    echo "junitparser could not be installed"
  virtual_environment target/chaostoolkit-venv chaos-lab/tests/chaos_toolkit/requirements.txt ||
    echo "Chaos Toolkit could not be installed"
  virtual_environment target/holidays-venv chaos-holidays/tests/holidays/requirements.txt ||
    echo "the packages of holidays and of iCalendar could not be installed"
  virtual_environment target/notify-venv chaos-notify/tests/notify/requirements.txt ||
    echo "the mail server and the reader of metrics could not be installed"
  virtual_environment target/typos-venv scripts/typos-requirements.txt || echo "typos could not be installed"
}

# Prometheus for the test of its probe. Debian's package is only unpacked, because installing it starts a service.
unpack_prometheus() {
  local place=target/prometheus
  [ ! -x "$place/prometheus" ] || return 0
  rm -rf "$place"
  mkdir -p "$place" && (
    cd "$place" || exit
    download() { apt-get download -qq -o APT::Sandbox::User=root prometheus; }
    download 2>/dev/null || { apt-get update -qq && download; } &&
      dpkg --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/prometheus
    rm -f prometheus_*.deb
    [ -x prometheus ]
  ) || echo "prometheus could not be unpacked"
}

use_prometheus() {
  [ ! -x target/prometheus/prometheus ] || export CHAOS_PROMETHEUS="$PWD/target/prometheus/prometheus"
}

# Tells the tests where they are.
use_python_packages() {
  if [ -e target/moto-venv/installed.txt ]; then
    export CHAOS_MOTO="$PWD/target/moto-venv/bin/moto_server"
    start_nursery
  fi
  [ ! -e target/azure-sdk-venv/installed.txt ] || export CHAOS_AZURE_PYTHON="$PWD/target/azure-sdk-venv/bin/python"
  [ ! -e target/junit-venv/installed.txt ] || export CHAOS_JUNIT_PYTHON="$PWD/target/junit-venv/bin/python"
  [ ! -e target/holidays-venv/installed.txt ] ||
    export CHAOS_HOLIDAYS_PYTHON="$PWD/target/holidays-venv/bin/python"
  [ ! -e target/notify-venv/installed.txt ] || export CHAOS_NOTIFY_PYTHON="$PWD/target/notify-venv/bin/python"
  [ ! -e target/chaostoolkit-venv/installed.txt ] ||
    export CHAOS_TOOLKIT_PYTHON="$PWD/target/chaostoolkit-venv/bin/python"
}

# Each stand-in for AWS takes a second and a half to load moto: here it is loaded once. The nursery ends with its input,
# which this shell holds.
start_nursery() {
  coproc NURSERY { exec target/moto-venv/bin/python -B fakes/aws "$log/nursery"; }
  read -r _ <&"${NURSERY[0]}" && export CHAOS_MOTO_NURSERY="$log/nursery"
}

# What else the tests of everything need, from Debian. What is missing and can be left out is told as skipped.
install_tools() {
  need cc gcc || { echo "a C compiler is needed for SQLite: install gcc"; exit 1; }
  need python3 python3 || { echo "python3 is needed to measure the programs"; exit 1; }
  need shellcheck shellcheck || skipped "shellcheck: not installed, and only root can install it"
  need dash dash || skipped "scripts under dash: dash is not installed, and only root can install it"
  need busybox busybox || skipped "scripts under busybox sh: busybox is not installed, and only root can install it"
  # Benchmarks compare themselves with it, and say if they do not.
  need stress-ng stress-ng
  # For the host faults. Without root their tests say themselves what they leave out.
  if [ "$(id -u)" -eq 0 ]; then
    for tool in ip:iproute2 nft:nftables iptables:iptables mkfs.ext4:e2fsprogs mkfs.btrfs:btrfs-progs \
      mkfs.xfs:xfsprogs setpriv:util-linux; do
      need "${tool%:*}" "${tool#*:}" || { echo "the tests of host faults need ${tool%:*}: install ${tool#*:}"; exit 1; }
    done
  fi
}
