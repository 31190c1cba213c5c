"""What may be odd in a made-up cluster: one thing each, which treats some pods, Services or nodes unlike others."""

from __future__ import annotations

# One oddity each, which treats some pods or Services unlike others; (what, text, routed).
ODDITIES = {
    "a rule for one pod": ("filter", "-A FORWARD -d 10.42.1.4/32 -j DROP", False),
    "a rule from one pod": ("filter", "-A FORWARD -s 10.42.1.4/32 -j DROP", False),
    "a rule for a network of pods": ("filter", "-A FORWARD -d 10.42.1.4/31 -p tcp -j DROP", False),
    "a rule for every other network": ("filter", "-A FORWARD ! -d 10.42.1.4/31 -p tcp -j DROP", False),
    "every pod but one": ("filter", "-A FORWARD ! -d 10.42.1.4/32 -p tcp -j DROP", False),
    "from every pod but one": ("filter", "-A FORWARD ! -s 10.42.1.4/32 -p tcp -m tcp --sport 8080 -j DROP", False),
    "answers of one pod to another": ("filter", "-A FORWARD -s 10.42.1.4/32 -d 10.42.0.4/32 -j DROP", False),
    "questions of one pod to another": ("filter", "-A FORWARD -s 10.42.0.4/32 -d 10.42.1.4/32 -j DROP", False),
    "a port behind one pod's interface": ("filter", "-A FORWARD -o cali12 -p tcp -m tcp --dport 8080 -j DROP", True),
    "one pod's interface from one pod": ("filter", "-A FORWARD -s 10.42.0.4/32 -o cali12 -j DROP", True),
    "pods before and behind a port": (
        "filter", "-A FORWARD -d 10.42.1.3/32 -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 8080 -j DROP\n"
        "-A FORWARD -d 10.42.1.4/32 -j ACCEPT", False,
    ),
    "pods before and behind their interfaces": (
        "node-1 filter", "-A FORWARD -d 10.42.1.3/32 -j ACCEPT\n-A FORWARD -o cali11 -j DROP\n"
        "-A FORWARD -o cali12 -j DROP\n-A FORWARD -d 10.42.1.4/32 -j ACCEPT", True,
    ),
    "a range of addresses": ("filter", "-A FORWARD -m iprange --dst-range 10.42.1.3-10.42.1.4 -j DROP", False),
    "the address that was asked for": ("filter", "-A FORWARD -m conntrack --ctorigdst 10.96.0.14 -j DROP", False),
    "a network that was asked for": ("filter", "-A FORWARD -m conntrack --ctorigdst 10.96.0.16/29 -j DROP", False),
    "the port that was asked for": ("filter", "-A FORWARD -m conntrack --ctorigdstport 443 -j DROP", False),
    "the port of the answer": ("filter", "-A FORWARD -p tcp -m tcp --sport 8081 -j DROP", False),
    "a port": ("filter", "-A FORWARD -p tcp -m tcp --dport 8081 -j DROP", False),
    "several ports": ("filter", "-A FORWARD -p tcp -m multiport --dports 443,8081:8090 -j DROP", False),
    "any port but one": ("filter", "-A FORWARD -p tcp -m tcp ! --dport 8080 -j DROP", False),
    "one pod's interface": ("filter", "-A FORWARD -o cali12 -j DROP", True),
    "any interface but one pod's": ("filter", "-A FORWARD ! -o cali12 -d 10.42.1.0/24 -j DROP", True),
    "interfaces by their beginning": ("filter", "-A FORWARD -o cali1+ -j DROP", True),
    "one port of the bridge": ("filter", "-A FORWARD -m physdev --physdev-out cali12 -j DROP", False),
    "a set with one pod": ("filter", "-A FORWARD -m set --match-set odd dst -j DROP", False),
    "a chain that only one pod comes through": (
        "filter", ":ODD - [0:0]\n-A FORWARD -d 10.42.1.4/32 -j ODD\n-A ODD -p tcp -m tcp --dport 8080 -j DROP", False,
    ),
    "a Service that is let through untranslated": ("nat", "-A PREROUTING -d 10.96.0.14/32 -j ACCEPT", False),
    "a port that goes elsewhere": (
        "nat", "-A PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.42.0.2:9", False,
    ),
    "a port that goes to a pod which asks": (
        "nat", "-A PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.42.1.4:8080", False,
    ),
    "a blackhole for one pod": ("ip-route.txt", "blackhole 10.42.1.4\n", False),
    "a route for some pods": ("ip-route.txt", "unreachable 10.42.1.4/31\n", True),
    "an interface that does not forward": (
        "sysctl.txt", "net.ipv4.conf.cali12.forwarding = 1 => net.ipv4.conf.cali12.forwarding = 0", True,
    ),
    "an interface without carrier": ("ip-addr.txt", "cali12@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> => "
        "cali12@if2: <BROADCAST,MULTICAST,UP>", True),
    "a bridge port that is off": (
        "bridge-link.txt", "6: cali12@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master cni0 state forwarding => "
        "6: cali12@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master cni0 state disabled", False,
    ),
    "an interface that a rule for routes names": ("ip-rule.txt", "100:\tfrom all iif cali12 blackhole\n", True),
    "an interface that a foreign table names": (
        "nft-ruleset.txt",
        "table inet odd {\n\tchain forward {\n\t\ttype filter hook forward priority -5; policy accept;\n"
        "\t\tiifname \"cali12\" drop\n\t}\n}\n",
        True,
    ),
    "a foreign table": (
        "nft-ruleset.txt",
        "table inet odd {\n\tchain forward {\n\t\ttype filter hook forward priority -5; policy accept;\n"
        "\t\tip daddr 10.42.1.4-10.42.1.5 drop\n\t\ttcp dport 8081 drop\n\t}\n}\n",
        False,
    ),
}  # fmt: skip


# One oddity of node-1 each, which treats another node or some of its own traffic otherwise; (what, text, overlay).
ODD_NODES = {
    "the pods of one node": ("filter", "-A FORWARD -s 10.42.2.0/24 -j DROP", False),
    "one node": ("filter", "-A FORWARD -s 192.168.0.12/32 -j DROP", False),
    "every node but one": ("filter", "-A FORWARD ! -s 192.168.0.12/32 -d 10.42.1.0/24 -j DROP", False),
    "some nodes": ("filter", "-A FORWARD -m iprange --src-range 192.168.0.12-192.168.0.13 -j DROP", False),
    "who asked first": ("filter", "-A FORWARD -m conntrack --ctorigsrc 192.168.0.12 -j DROP", False),
    "a set with one node": ("filter", "-A FORWARD -m set --match-set odd src -j DROP", False),
    "all that it forwards": ("filter", "-A FORWARD -j DROP", False),
    "its own pods to others": ("filter", "-A FORWARD -s 10.42.1.0/24 -o eth0 -j DROP", False),
    "a table of its own": (
        "nft-ruleset.txt",
        "table inet odd {\n\tchain forward {\n\t\ttype filter hook forward priority -5; policy accept;\n"
        "\t\tip saddr 192.168.0.12 drop\n\t}\n}\n",
        False,
    ),
    "a route by a third": (
        "ip-route.txt", "10.42.2.0/24 via 192.168.0.12 => 10.42.2.0/24 via 192.168.0.10", False,
    ),
    "a route to nobody": ("ip-route.txt", "10.42.2.0/24 via 192.168.0.12 => 10.42.2.0/24 via 192.168.0.99", False),
    "no route": ("ip-route.txt", "10.42.2.0/24 via 192.168.0.12 dev eth0 => unreachable 10.42.2.0/24", False),
    "a route of one node": ("ip-route.txt", "blackhole 192.168.0.12\n", False),
    "a rule for routes": ("ip-rule.txt", "100:\tfrom 10.42.1.0/24 to 10.42.2.0/24 blackhole\n", False),
    "a rule for what its pods send": ("ip-rule.txt", "100:\tfrom all iif cni0 blackhole\n", False),
    "a table for what its pods send": (
        "nft-ruleset.txt",
        "table inet odd {\n\tchain forward {\n\t\ttype filter hook forward priority -5; policy accept;\n"
        "\t\tiifname \"cni0\" drop\n\t}\n}\n",
        False,
    ),
    "a policy for what it takes itself": ("iptables-save.txt", ":INPUT ACCEPT [0:0] => :INPUT DROP [0:0]", True),
    "a neighbour that fails": (
        "ip-neigh.txt", "192.168.0.12 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE => 192.168.0.12 dev eth0 FAILED",
        False,
    ),
    "a neighbour by the wrong address": (
        "ip-neigh.txt",
        "192.168.0.12 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE => "
        "192.168.0.12 dev eth0 lladdr 02:00:00:00:00:77 PERMANENT",
        False,
    ),
    "the address of another": (
        "ip-addr.txt", "    inet 192.168.0.11/24 brd 192.168.0.255 scope global eth0\n => "
        "    inet 192.168.0.11/24 brd 192.168.0.255 scope global eth0\n"
        "    inet 192.168.0.12/24 brd 192.168.0.255 scope global secondary eth0\n", False,
    ),
    "an uplink without carrier": (
        "ip-addr.txt", "eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> => eth0: <BROADCAST,MULTICAST,UP>", False,
    ),
    "an uplink that does not forward": (
        "sysctl.txt", "net.ipv4.conf.eth0.forwarding = 1 => net.ipv4.conf.eth0.forwarding = 0", False,
    ),
    "a tunnel that ends elsewhere": (
        "bridge-fdb.txt", "02:00:02:00:00:02 dev flannel.1 dst 192.168.0.12 => "
        "02:00:02:00:00:02 dev flannel.1 dst 192.168.0.10", True,
    ),
    "a tunnel that ends nowhere": (
        "bridge-fdb.txt", "02:00:02:00:00:02 dev flannel.1 dst 192.168.0.12 self permanent\n => ", True,
    ),
    "a tunnel to the wrong address": (
        "ip-neigh.txt", "10.42.2.0 dev flannel.1 lladdr 02:00:02:00:00:02 => "
        "10.42.2.0 dev flannel.1 lladdr 02:00:02:00:00:77", True,
    ),
    "outer packets of one node": ("filter", "-A INPUT -s 192.168.0.12/32 -p udp -j DROP", True),
}  # fmt: skip
