#!/usr/bin/env bash
# When does OpenSSH's client read IdentityFile and CertificateFile: before or after its ProxyCommand has run?
#
# Guess: in every version at the same moment, as ssh_config(5) says nothing of it; so a ProxyCommand that hands over a
#        socket (ProxyUseFdpass) can write the certificate first, since ssh waits for it to end before it goes on.
# Seen:  9.2p1 (Debian 12), 10.0p2 (Debian 13) and 10.3p1 (its backports) read both when the ProxyCommand has ended, and
#        have the certificate that it wrote in this very connection. 10.5p1 (Ubuntu 26.10) and 10.6p1 (sid) read them
#        before they start the command, and have none. They say so to `-v` alone; an older certificate in that place
#        would be what they offer.
# So who has a ProxyCommand bring the certificate must, for newer versions, have it fetched before (`Match exec`).
#
# Needs curl, dpkg-deb, python3, ssh-keygen, and Debian's and Ubuntu's mirrors. Fails when this is no longer so.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

# fetch ROOT PATH…: unpack packages of Debian's pool, or of $pool
fetch() {
  local root=$1 path
  shift
  for path in "$@"; do
    curl -fsS -o package.deb "${pool:-http://deb.debian.org/debian/pool/main}/$path"
    dpkg-deb -x package.deb "$root"
  done
}

krb5=1.21.3-5+deb13u1
fetch 13 o/openssh/openssh-client_10.0p1-7+deb13u4_amd64.deb g/glibc/libc6_2.41-12+deb13u5_amd64.deb \
  o/openssl/libssl3t64_3.5.9-1~deb13u1_amd64.deb z/zlib/zlib1g_1.3.dfsg+really1.3.1-1+deb13u1_amd64.deb \
  libz/libzstd/libzstd1_1.5.7+dfsg-1_amd64.deb libs/libselinux/libselinux1_3.8.1-1_amd64.deb \
  p/pcre2/libpcre2-8-0_10.46-1~deb13u3_amd64.deb k/krb5/{libgssapi-krb5-2,libkrb5-3,libk5crypto3,libkrb5support0}_${krb5}_amd64.deb \
  k/keyutils/libkeyutils1_1.6.3-6_amd64.deb e/e2fsprogs/libcom-err2_1.47.2-3+b12_amd64.deb
fetch sid o/openssh/openssh-client_10.6p1-1_amd64.deb g/glibc/libc6_2.43-7_amd64.deb \
  o/openssl/libssl3t64_3.6.5-1_amd64.deb z/zlib/zlib1g_1.3.dfsg+really1.3.2-4_amd64.deb \
  libz/libzstd/libzstd1_1.5.7+dfsg-4_amd64.deb libs/libselinux/libselinux1_3.11-2.1+b1_amd64.deb \
  p/pcre2/libpcre2-8-0_10.49-1_amd64.deb
fetch 12 o/openssh/openssh-client_9.2p1-2+deb12u10_amd64.deb
fetch 13-backports o/openssh/openssh-client_10.3p1-1~bpo13+1_amd64.deb
pool=http://archive.ubuntu.com/ubuntu/pool/main
fetch 26.10 o/openssh/openssh-client_10.5p1-1ubuntu2_amd64.deb
fetch sid o/openssl/libssl4_4.0.3-1ubuntu1_amd64.deb

ssh-keygen -q -t ed25519 -N '' -f ca
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -s ca -I me -n me key.pub
mv key-cert.pub fresh-cert.pub
cat > bring.py <<'PYTHON'
import shutil, socket
shutil.copy("fresh-cert.pub", "key-cert.pub")
given, other = socket.socketpair()  # nobody is there: what was read until then is the question
socket.send_fds(socket.socket(fileno=1), [b"\0"], [given.fileno()])
PYTHON

# ask ROOT LIBRARIES: what its ssh had read when the ProxyCommand had brought the certificate
ask() {
  local libraries=$place/$2/usr/lib/x86_64-linux-gnu loader
  loader=$(find "$place/$2" -name 'ld-linux-x86-64.so.2' | head -1)
  run() { "$loader" --library-path "$libraries" "$place/$1/usr/bin/ssh" -F none "${@:2}" 2>&1; }
  rm -f key-cert.pub
  run "$1" -v -i key -o CertificateFile=key-cert.pub -o ProxyUseFdpass=yes -o ProxyCommand='python3 bring.py' me@host true > said || true
  grep -q 'Executing proxy' said || { cat said; exit 1; }
  printf '%s: %s\n' "$(run "$1" -V | grep -o 'OpenSSH_[0-9.p]*' | head -1)" \
    "$(tr -d '\r' < said | sed -n 's/.*Executing proxy.*/the command runs/p; s/.*certificate file .* type [0-9]*$/the certificate is read/p
       s/.*loaded identity cert from.*/the certificate is read/p
       s/.*no identity cert loaded.*/no certificate is found/p' | paste -sd, | sed 's/,/, then /')"
}
{ ask 12 13; ask 13 13; ask 13-backports 13; ask 26.10 sid; ask sid sid; } | tee seen
diff - seen <<'SEEN'
OpenSSH_9.2p1: the command runs, then the certificate is read
OpenSSH_10.0p2: the command runs, then the certificate is read
OpenSSH_10.3p1: the command runs, then the certificate is read
OpenSSH_10.5p1: no certificate is found, then the command runs
OpenSSH_10.6p1: no certificate is found, then the command runs
SEEN
