# A firewall lets through what belongs to a flow it knows. Whoever ran in this network before may have left some: every source port is
# tried, by UDP and TCP.
import select
import socket

QUESTION = bytes.fromhex("5ea1010000010000000000000000020001")


def spray(address, kind):
    host, port = address.rsplit(":", 1)
    for first in range(1, 65536, 400):
        sockets = []
        for source in range(first, min(first + 400, 65536)):
            s = socket.socket(socket.AF_INET, kind)
            s.setblocking(False)
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("0.0.0.0", source))
                s.connect_ex((host, int(port)))
                if kind == socket.SOCK_DGRAM:
                    s.send(QUESTION)
                sockets.append(s)
            except OSError:
                s.close()
        if kind == socket.SOCK_DGRAM:
            ready = select.select(sockets, [], [], 0.1)[0]
        else:
            ready = select.select([], sockets, [], 0.1)[1]
        for s in ready:
            try:
                if kind == socket.SOCK_DGRAM:
                    s.recv(512)
                elif s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                    continue
                return f"an answer to source port {s.getsockname()[1]}"
            except OSError:
                pass
        for s in sockets:
            s.close()
    return None


for address in settings["dns"]:
    attempt(f"reuse a flow to {address}", lambda a=address: spray(a, socket.SOCK_DGRAM))
for address in settings["tcp"]:
    attempt(f"reuse a connection to {address}", lambda a=address: spray(a, socket.SOCK_STREAM))
finish()
