#!/bin/sh
# What udhcpc calls: takes the leased address and leaves the machine's resolver alone.
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
