# SPDX-License-Identifier: GPL-2.0-or-later
"""What a private subnet shall be, worked out a second time, and talk through it.

  subnet.py mappings LEVEL ADDRESS TOPOLOGY ACCEPT   kernel-state 4's table, a line each
  subnet.py routes LEVEL ADDRESS TOPOLOGY            destinations of every table, a line each
  subnet.py live                                     the table's lines, from "nft -j" on standard input
  subnet.py serve PORT FILE                          answers over UDP and TCP with the address it was
                                                     asked from; writes FILE when it is ready
  subnet.py ask PORT ADDRESS                         asks over both; prints both answers

ACCEPT is 1 where anonymous contact is accepted.  Range 10.0.0.0/8; positions are real.
"""
import ipaddress
import json
import select
import socket
import struct
import sys

BASE = int(ipaddress.ip_address("10.0.0.0"))
GLOBAL, INTERNAL, ANONYMIZING = 0, 1, 2
IP_PKTINFO = 8          # linux/in.h; older Pythons have no name for it
WAIT = 3                # seconds for an answer


class Network:
    """Kernel-state 2: addresses as sums of positions times places."""

    def __init__(self, topology, address):
        self.sizes = [int(x) for x in reversed(topology.split("."))]
        self.pos = [int(x) for x in reversed(address.split("."))]
        self.levels = len(self.sizes)
        self.weight = [1]
        for size in self.sizes:
            self.weight.append(self.weight[-1] * size)

    def prefix(self, kind, inside, low, pos):
        """The g-node of level LOW with positions POS (by level, LOW up), in addresses of KIND."""
        top = self.levels if kind != INTERNAL else inside
        value = kind * self.weight[self.levels]
        value += sum(pos[i] * self.weight[i] for i in range(low, top))
        if kind == INTERNAL:
            value += inside * self.weight[self.levels - 1]
        return ipaddress.ip_network((BASE + value, 33 - self.weight[low].bit_length()))

    def all(self, kind, inside=None):
        if kind == INTERNAL:
            return self.prefix(kind, inside, inside, self.pos)
        return self.prefix(kind, None, self.levels, self.pos)


def mappings(level, address, topology, accept):
    n = Network(topology, address)
    own = n.all(INTERNAL, level)
    lines = []

    def inwards(outer):
        lines.append(f"prerouting dst {outer} to {own}")

    def outwards(towards, shown):
        lines.append(f"postrouting src {own} dst {towards} to {shown}")

    for i in range(level, n.levels - 1):
        outer = n.prefix(INTERNAL, i + 1, level, n.pos)
        inwards(outer)
        outwards(n.all(INTERNAL, i + 1), outer)
    seen = n.prefix(GLOBAL, None, level, n.pos)
    inwards(seen)
    outwards(n.all(GLOBAL), seen)
    if accept:
        inwards(n.prefix(ANONYMIZING, None, level, n.pos))
    outwards(n.all(ANONYMIZING), seen)
    return sorted(lines)


def routes(level, address, topology):
    n = Network(topology, address)
    lines = []
    for i in range(level, n.levels):
        for j in range(n.sizes[i]):
            if j == n.pos[i]:
                continue
            pos = n.pos[:i] + [j] + n.pos[i + 1:]
            lines.append(n.prefix(GLOBAL, None, i, pos))
            lines.append(n.prefix(ANONYMIZING, None, i, pos))
            lines += [n.prefix(INTERNAL, k, i, pos) for k in range(i + 1, n.levels)]
    return [str(p) for p in sorted(lines)]


def text(value):
    if isinstance(value, dict) and "prefix" in value:
        return f"{value['prefix']['addr']}/{value['prefix']['len']}"
    return f"{value}/32" if isinstance(value, str) else json.dumps(value)


def live():
    """In the order of the chains.  What is not understood is shown as it is."""
    hooks = {}
    for item in json.load(sys.stdin)["nftables"]:
        if "chain" in item:
            hooks[item["chain"]["name"]] = item["chain"].get("hook")
        expr = item.get("rule", {}).get("expr", [])
        nat = [(k, v) for e in expr for k, v in e.items() if k in ("snat", "dnat", "masquerade")]
        if not nat:
            continue
        where = {m["match"]["left"]["payload"]["field"]: text(m["match"]["right"])
                 for m in expr if "match" in m}
        line = hooks[item["rule"]["chain"]]
        line += f" src {where['saddr']}" if "saddr" in where else ""
        line += f" dst {where['daddr']}" if "daddr" in where else ""
        kind, to = nat[0]
        # A prefix of one address is no prefix in nft's words; source NAT is told by its target.
        yield f"{line} to {text(to['addr'])}" + ("" if "type_flags" in to else f" {kind}")


def serve(port, ready):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    udp.bind(("0.0.0.0", port))
    tcp.bind(("0.0.0.0", port))
    tcp.listen(16)
    open(ready, "w").close()
    while True:
        for s in select.select([udp, tcp], [], [])[0]:
            if s is tcp:
                peer, (address, _) = tcp.accept()
                peer.settimeout(WAIT)
                try:
                    peer.sendall(peer.recv(64) + address.encode())
                except OSError:
                    pass
                peer.close()
            else:
                data, more, _, (address, back) = udp.recvmsg(64, 64)
                # From the address that was asked, whatever the routing table would prefer.
                asked = struct.unpack("I4s4s", more[0][2])[2]
                info = struct.pack("I4s4s", 0, asked, b"\0" * 4)
                udp.sendmsg([data + address.encode()], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0,
                            (address, back))


def ask(port, address):
    """A connected socket takes answers from the address that it asked and from no other."""
    said = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as s:
            s.settimeout(WAIT)
            try:
                s.connect((address, port))
                s.send(b"from ")
                answer = b""
                while part := s.recv(64):
                    answer += part
                    if kind == socket.SOCK_DGRAM:
                        break
                said.append(answer.decode())
            except OSError as e:
                said.append("no answer")
                print(f"{address}: {e}", file=sys.stderr)
    return said


def main():
    verb, *args = sys.argv[1:]
    if verb == "mappings":
        print(*mappings(int(args[0]), args[1], args[2], args[3] == "1"), sep="\n")
    elif verb == "routes":
        print(*routes(int(args[0]), args[1], args[2]), sep="\n")
    elif verb == "live":
        print(*live(), sep="\n")
    elif verb == "serve":
        serve(int(args[0]), args[1])
    elif verb == "ask":
        print(*ask(int(args[0]), args[1]), sep=", ")
    else:
        sys.exit(__doc__)


main()
