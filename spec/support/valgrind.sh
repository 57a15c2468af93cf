#!/bin/sh
# Stands for jig in a folder of built things, and runs under valgrind: its specs (make valgrind), and each jig that a
# spec starts as a program (make valgrind-flow). What was found is in the folder's log/, a file for each process; such a
# jig ends with status 9.
here=$(dirname "$(readlink -f "$0")")
JIG_MEMORY=plain exec valgrind -q --log-file="$here/log/%p" --error-exitcode=9 --leak-check=full \
    --errors-for-leak-kinds=definite --child-silent-after-fork=yes "$here/../jig" "$@"
