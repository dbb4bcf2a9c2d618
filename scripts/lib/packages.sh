# Installs Debian packages that are missing. Sourced by the other scripts.

# What building and running needs.
build_packages=(libzmq3-dev libprotobuf-c-dev libdnnl-dev libxxhash-dev)
# What the checks of the tests need besides.
check_packages=(protobuf-c-compiler python3 python3-venv)
# What `scripts/package` needs besides.
package_packages=(libcurl4-openssl-dev patchelf binutils dpkg python3 python3-venv)
# What `scripts/test --all` needs besides: a browser, Prometheus, and for the trials of a launch an sshd, namespaces and Slurm.
all_packages=(chromium prometheus openssh-client openssh-server iproute2 procps slurmctld slurmd slurm-client munge shellcheck
    debootstrap)

# install_missing PACKAGE...: installs those that are not there, with sudo only where this is not root.
install_missing() {
    local missing=()
    local package
    for package in "$@"; do
        if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -eq 0 ] && return 0

    local as_root=()
    if ! command -v apt-get >/dev/null; then
        echo "error: these packages are missing, and there is no apt-get to install them: ${missing[*]}" >&2
        echo "hint: install them by their names on your system, then run this again" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "error: these packages are missing, and installing them needs root: ${missing[*]}" >&2
            echo "hint: have someone run: apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -q \
        && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "error: apt-get could not install ${missing[*]}" >&2
        echo "hint: look at the lines above; without a network, install the packages from your mirror" >&2
        return 1
    fi
    rm -f "$log"
}

# require_swift: fails with a clear message where there is no Swift that is new enough.
require_swift() {
    if ! command -v swift >/dev/null; then
        echo "error: there is no swift on the PATH" >&2
        echo "hint: install Swift 6.2 or newer from https://www.swift.org/install/linux" >&2
        return 1
    fi
    local version
    version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | grep -oE '[0-9]+\.[0-9]+')
    if [ "$(printf '%s\n6.2\n' "$version" | sort -V | head -n 1)" != 6.2 ]; then
        echo "error: Swift $version is too old" >&2
        echo "hint: install Swift 6.2 or newer from https://www.swift.org/install/linux" >&2
        return 1
    fi
}
