"""A central station that listens and says nothing: takes connections, counts bytes, keeps none.

Arguments: addresses to listen at. For the bench of docs/reproduce-cisa.md alone: whatever comes in
is thrown away here, and only tcpdump keeps it.
"""

import selectors
import socket
import sys
import time

# Where the CMS8000 looks for its station: TCP 515 to 520, and 511 for HL7 (Claroty Team82).
PORTS = (511, 515, 516, 517, 518, 519, 520)

selector = selectors.DefaultSelector()
counts = {}


def say(*words):
    print(time.strftime("%H:%M:%S"), *words, flush=True)


for address in sys.argv[1:]:
    for port in PORTS:
        server = socket.create_server((address, port))
        server.setblocking(False)
        selector.register(server, selectors.EVENT_READ, data=None)
say("listening at", *sys.argv[1:], "ports", *PORTS)

while True:
    for key, _ in selector.select():
        if key.data is None:
            connection, peer = key.fileobj.accept()
            connection.setblocking(False)
            name = f"{peer[0]}:{peer[1]} to port {connection.getsockname()[1]}"
            selector.register(connection, selectors.EVENT_READ, data=name)
            counts[name] = 0
            say("accepted", name)
            continue
        try:
            taken = len(key.fileobj.recv(1 << 16))
        except OSError:
            taken = 0
        counts[key.data] += taken
        if taken == 0:
            say("ended", key.data, "after", counts.pop(key.data), "bytes")
            selector.unregister(key.fileobj)
            key.fileobj.close()
