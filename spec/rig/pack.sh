#!/bin/sh
# Packs what cases need into one file that the guest unpacks into its memory: pack.sh BUILD FILE. The programs of BUILD
# with their libraries, busybox, busted, specs and examples. Nothing in the guest waits for a file of the host then, for
# time is another there.
set -eu
build=$1
file=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
here=$(dirname "$0")
# shellcheck source=spec/rig/libraries.sh
. "$here/libraries.sh"

mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/project/build/rig" \
    "$root/usr/lib" "$root/usr/share"
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh mkdir rm chmod env sleep cat; do ln -s busybox "$root/bin/$applet"; done

for program in jig device factory_tool rig/plug; do
    cp "$build/$program" "$root/project/build/$program"
    add_libraries "$build/$program"
done
for name in libusb-1.0.so.0 libudev.so.1; do # which are loaded by name
    library=$(ldconfig -p | sed -n "s/.*$name .*x86-64.* => //p" | head -n 1)
    add_file "$library"
    add_libraries "$library"
done

cp -R /usr/share/lua "$root/usr/share/lua"
modules=$(dirname "$(find /usr/lib -path '*/lua/5.4/lfs.so' | head -n 1)")
mkdir -p "$root$modules"
cp -RL "$modules/." "$root$modules"
cp -R .busted spec examples "$root/project"

tar -cf "$file.new" -C "$root" .
mv "$file.new" "$file"
