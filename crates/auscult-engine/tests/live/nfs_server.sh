#!/bin/sh
# nfs-ganesha and the port mapper with a /run of their own, in the mount namespace that
# `ip netns exec` made. Argument: the configuration.
set -e
mount -t tmpfs none /run
mkdir -p /run/rpcbind /run/ganesha
rpcbind -w
exec ganesha.nfsd -F -L /dev/stdout -N WARN -p /run/ganesha.pid -f "$1"
