#!/bin/sh
# Makes what QEMU boots: guest.sh FOLDER writes FOLDER/vmlinuz and FOLDER/initramfs, from Debian's stock kernel, busybox
# and udevd. Nothing of the project is in them, so that they seldom change: jig and the specs are
# packed by pack.sh. What is there
# already and fits is left alone. Exit 75: it cannot be made on this machine, and why is the last line.
set -eu
here=$(dirname "$0")
folder=$1
# shellcheck source=spec/rig/libraries.sh
. "$here/libraries.sh"

# Modules by name, in the order in which the guest loads them; what they need comes by itself.
modules='virtio_pci 9pnet_virtio 9p usbcore vhci_hcd dummy_hcd usb_f_acm ftdi_sio cdc_acm'
# Where they and theirs are in the kernel's package.
parts='drivers/usb drivers/virtio fs/9p net/9p fs/netfs fs/fscache fs/configfs'

cannot() {
    echo "$1"
    exit 75
}

find_package() {
    apt-cache depends linux-image-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*-amd64\)$/\1/p' | head -n 1
}

# The kernel's package is downloaded, never installed. Its name is the whole one: a pattern would fetch all there are.
get_kernel() {
    rm -rf "$folder/kernel" "$folder"/*.deb
    (cd "$folder" && apt-get download -qq "$package") >"$folder/log" 2>&1 ||
        cannot "the package $package cannot be downloaded: $(grep '^E:' "$folder/log" | head -n 1)"
    mkdir "$folder/kernel"
    set -- './boot/vmlinuz-*' './lib/modules/*/modules.*'
    for part in $parts; do set -- "$@" "./lib/modules/*/kernel/$part/*"; done
    dpkg-deb --fsys-tarfile "$folder"/*.deb | tar -x -C "$folder/kernel" --wildcards "$@"
    rm "$folder"/*.deb
    release=$(ls "$folder/kernel/lib/modules")
    depmod -b "$folder/kernel" "$release"
    mv "$folder/kernel/boot/vmlinuz-$release" "$folder/vmlinuz"
}

add_modules() {
    for module in $modules; do
        modprobe -d "$folder/kernel" -S "$release" --show-depends "$module" || exit 1
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do
        cp "$file" "$root/modules"
        basename "$file" .ko
    done >"$root/modules/list"
}

make_initramfs() {
    root=$folder/root
    release=$(ls "$folder/kernel/lib/modules")
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/host" "$root/job" \
        "$root/etc" "$root/modules" "$root/lib/udev/rules.d"
    cp "$here/init" "$root/init"
    chmod 755 "$root/init"
    cp "$(command -v busybox)" "$root/bin/busybox"
    cp "$(command -v udevadm)" "$root/bin/udevadm"
    add_libraries "$root/bin/udevadm"
    ln -s udevadm "$root/bin/systemd-udevd"
    cp /lib/udev/rules.d/50-udev-default.rules /lib/udev/rules.d/60-serial.rules "$root/lib/udev/rules.d"
    printf 'root:x:0:\ntty:x:5:\ndialout:x:20:\n' >"$root/etc/group"
    printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
    add_modules
    (cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$folder/initramfs.new"
    mv "$folder/initramfs.new" "$folder/initramfs"
    rm -rf "$root"
}

[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || cannot "the guest is Debian's for amd64, and this machine is not"
for program in busybox udevadm modprobe depmod cpio gzip; do
    command -v $program >/dev/null || cannot "the program $program is not there"
done
mkdir -p "$folder"
package=$(find_package)
if [ -z "$package" ]; then # lists of packages are often removed from images
    [ "$(id -u)" = 0 ] && sudo= || sudo='sudo -n'
    $sudo apt-get update -qq >"$folder/log" 2>&1 || true
    package=$(find_package)
fi
[ -n "$package" ] || cannot "apt knows no package linux-image-amd64, and apt-get update does not help"

version=$package.$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
[ "$(cat "$folder/kernel.stamp" 2>/dev/null)" = "$version" ] || {
    rm -f "$folder/kernel.stamp" "$folder/guest.stamp"
    get_kernel
    echo "$version" >"$folder/kernel.stamp"
}
inputs=$(cat "$here/init" "$here/guest.sh" "$here/libraries.sh" "$folder/kernel.stamp" "$(command -v busybox)" "$(command -v udevadm)" | sha256sum)
[ "$(cat "$folder/guest.stamp" 2>/dev/null)" = "$inputs" ] || {
    rm -f "$folder/guest.stamp"
    make_initramfs
    echo "$inputs" >"$folder/guest.stamp"
}
