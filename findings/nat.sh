#!/usr/bin/env bash
# Debian 13's pasta (passt 0.0~git20250503) says nothing when it is asked for its version through a pipe, with exit
# status 0; and its help ends in the middle of a line after 4096 bytes. On a terminal both are whole. A program that
# looks for a version or for an option in what it reads takes it for one that knows neither.
# What is left: whether an option is known shows by the exit status of `pasta OPTION VALUE --version`.
# (main() leaves by _exit(2), so what stdio still holds is lost. The one of Debian 12 and those of 2026 flush.)
set -euo pipefail
pool=http://deb.debian.org/debian/pool/main
packages=(p/passt/passt_0.0~git20250503.587980c-2+deb13u1_amd64.deb g/glibc/libc6_2.41-12+deb13u5_amd64.deb)

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for package in "${packages[@]}"; do
  curl -fsSL "$pool/$package" -o "$place/package.deb"
  dpkg-deb -x "$place/package.deb" "$place/root"
done
# Debian 13's own loader and C library, so that it runs on older hosts, too.
pasta=("$place"/root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path "$place/root/usr/lib/x86_64-linux-gnu"
       --argv0 pasta "$place/root/usr/bin/pasta")

piped() { "${pasta[@]}" "$@" 2>/dev/null | wc -c; }
on_terminal() { script -qec "$(printf '%q ' "${pasta[@]}" "$@")" /dev/null | wc -c; }
status() { local is=0; "${pasta[@]}" "$@" >/dev/null 2>&1 || is=$?; echo "$is"; }

seen="version: $(piped --version) bytes piped, status $(status --version); help: $(piped --help) bytes piped"
echo "$seen; on a terminal $(on_terminal --version) and $(on_terminal --help)"
echo "a known option: status $(status --dns-host 127.0.0.1 --version), an unknown one: $(status --no-such-option --version)"
[ "$seen" = "version: 0 bytes piped, status 0; help: 4096 bytes piped" ]
[ "$(on_terminal --version)" -gt 100 ] && [ "$(on_terminal --help)" -gt 4096 ]
[ "$(status --dns-host 127.0.0.1 --version)" = 0 ] && [ "$(status --no-such-option --version)" != 0 ]
echo "as found"
