# Shared libraries for a root of the guest's: sourced, with `root` set.

# A file of this machine, under its own path.
add_file() {
    mkdir -p "$root$(dirname "$1")"
    cp -L "$1" "$root$1"
}

# The libraries of a program, or of a library.
add_libraries() {
    for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
        [ -e "$root$library" ] || add_file "$library"
    done
}
