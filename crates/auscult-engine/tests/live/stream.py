"""Sends a file over one TCP connection in small writes, or takes bytes and forgets them.

Arguments: `send` ADDRESS PORT FILE, or `take` ADDRESS PORT.
"""

import socket
import sys
import time

where = (sys.argv[2], int(sys.argv[3]))
if sys.argv[1] == "send":
    with open(sys.argv[4], "rb") as file, socket.create_connection(where, 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while piece := file.read(1000):
            s.sendall(piece)
            time.sleep(0.02)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
else:
    with socket.create_server(where) as server:
        while True:
            s, _ = server.accept()
            with s:
                total = 0
                while piece := s.recv(1 << 16):
                    total += len(piece)
                print("took", total, flush=True)
