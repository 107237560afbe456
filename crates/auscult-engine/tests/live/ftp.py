"""pyftpdlib's server with one account, or a client of Python's ftplib.

Arguments: `serve` ADDRESS FOLDER, or `fetch` ADDRESS FOLDER. The client reads `image.bin` by each
of the four ways to open a data connection, and writes `results.csv` passively.
"""

import ftplib
import os
import sys

ACCOUNT, SECRET = "scan2ftp", "INV-Kestrel-88"
what, address, folder = sys.argv[1:]
if what == "serve":
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user(ACCOUNT, SECRET, folder, perm="elrw")
    FTPHandler.authorizer = authorizer
    FTPHandler.banner = "Invented Scanner FTP 1.4"
    FTPServer((address, 21), FTPHandler).serve_forever()
else:
    try:
        ftplib.FTP(address, "guest7", "INV-wrong", timeout=10)
    except ftplib.error_perm:
        pass
    with ftplib.FTP(address, ACCOUNT, SECRET, timeout=10) as ftp:
        ftp.dir(lambda line: None)
        for passive, extended in [(True, False), (True, True), (False, False), (False, True)]:
            ftp.set_pasv(passive)
            if passive and extended:
                ftp.makepasv = lambda: ftplib.parse229(ftp.sendcmd("EPSV"), ftp.sock.getpeername())
            elif extended:
                ftp.sendport = ftp.sendeprt
            got = bytearray()
            ftp.retrbinary("RETR image.bin", got.extend)
            with open(os.path.join(folder, "image.bin"), "rb") as file:
                assert file.read() == got
        ftp.set_pasv(True)
        with open(os.path.join(folder, "results.csv"), "rb") as file:
            ftp.storbinary("STOR stored.csv", file)
