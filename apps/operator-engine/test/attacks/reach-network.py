# Everything a program without privileges can send: TCP, UDP, DNS, ICMP, raw packets, by IPv4 and IPv6.
import socket
import struct
import threading

DNS_QUESTION = bytes.fromhex("5ea1010000010000000000000000020001")


def tcp(address):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=1.5):
        return "connected"


def udp(address, payload):
    host, port = address.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1.5)
        for _ in range(3):
            s.sendto(payload, (host, int(port)))
        return f"{len(s.recv(512))} bytes of reply"


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(host, kind):
    with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) as s:
        s.settimeout(1.5)
        body = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
        head = struct.pack("!BBHHH", 8, 0, checksum(body), 7, 1)
        s.sendto(head, (host, 0))
        reply = s.recv(512)
        # A firewall may tell its own host by ICMP that something is forbidden; only an echo is a reply.
        kind_of_reply = reply[20] if kind == socket.SOCK_RAW else reply[0]
        return "echo reply" if kind_of_reply == 0 else None


def packet():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.settimeout(1)
        return f"{len(s.recv(2048))} bytes sniffed"


def resolve(name):
    return socket.getaddrinfo(name, 443)


tries = []
for address in settings.get("tcp", []):
    tries.append((f"tcp {address}", lambda a=address: tcp(a)))
for address in settings.get("udp", []):
    tries.append((f"udp {address}", lambda a=address: udp(a, b"out")))
for address in settings.get("dns", []):
    tries.append((f"dns {address}", lambda a=address: udp(a, DNS_QUESTION)))
for host in settings.get("icmp", []):
    tries.append((f"ping {host}", lambda h=host: ping(h, socket.SOCK_DGRAM)))
    tries.append((f"raw ping {host}", lambda h=host: ping(h, socket.SOCK_RAW)))
for name in settings.get("names", []):
    tries.append((f"resolve {name}", lambda n=name: resolve(n)))
tries.append(("listen to the wire", packet))

for _ in range(settings.get("rounds", 2)):
    threads = [threading.Thread(target=attempt, args=each, daemon=True) for each in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(12)
finish()
