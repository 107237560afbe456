"""Two network interfaces as the ends of a slow line that may lose frames: netem needs a kernel
module that test machines may lack.

Frames travel with their virtio headers, so that checksums and sizes left to the card stay so.
Arguments: interface, interface, milliseconds each way, and N to lose every Nth frame (0: none).
"""

import collections
import select
import socket
import struct
import sys
import time

SOL_PACKET, ADD_MEMBERSHIP, VNET_HDR, IGNORE_OUTGOING = 263, 1, 15, 23
PROMISCUOUS = 1
ALL_PROTOCOLS = 3


def end(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.setsockopt(SOL_PACKET, VNET_HDR, 1)
    s.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    s.bind((name, ALL_PROTOCOLS))
    request = struct.pack("iHH8s", socket.if_nametoindex(name), PROMISCUOUS, 0, b"")
    s.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, request)
    return s


near, away = end(sys.argv[1]), end(sys.argv[2])
delay, lose = int(sys.argv[3]) / 1000, int(sys.argv[4])
other = {near: away, away: near}
under_way = collections.deque()
count = 0
print("ready", flush=True)
while True:
    patience = max(0, under_way[0][0] - time.monotonic()) if under_way else None
    for s in select.select([near, away], [], [], patience)[0]:
        frame = s.recv(1 << 17)
        count += 1
        if not lose or count % lose:
            under_way.append((time.monotonic() + delay, other[s], frame))
    while under_way and under_way[0][0] <= time.monotonic():
        _, s, frame = under_way.popleft()
        s.send(frame)
