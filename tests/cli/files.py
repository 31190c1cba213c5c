"""What lies in the working folder: rules, flows and topologies, good ones and each kind of wrong one."""

from __future__ import annotations

NODE = "nodes/worker-1/"
ROUTES = "default via 10.1.0.1 dev eth0\n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.5\n"
RULE = """\
id: route-missing
title: Node {node} has no default route
severity: error
confidence: certain
match:
  - each: Node node
  - none: Route route
    where:
      - route.node == node
      - route.destination == "0.0.0.0/0"
why: Nothing leaves the node.
fix:
  - Add one
docs:
  - https://kubernetes.io/docs/
tests:
  - name: no route
    given:
      - Node: {name: a}
    expect: [Node a has no default route]
  - name: a route
    given:
      - Node: {name: a}
      - Route: {node: a, destination: 0.0.0.0/0}
    expect: clear
"""
RULES = {
    "good": RULE,
    "key": RULE.replace("severity:", "severty:"),
    "clause": RULE.replace("    where:", "    were:"),
    "type": RULE.replace("severity: error", "severity: [error]"),
    "word": RULE.replace("severity: error", "severity: eror"),
    "fact": RULE.replace("none: Route route", "none: Rout route"),
    "field": RULE.replace("route.destination", "route.destinaton"),
    "regex": RULE.replace('route.destination == "0.0.0.0/0"', 'route.dev matches "[a-"'),
    "test": RULE.replace("[Node a has no default route]", "[Node b has no default route]"),
    "twice": RULE.replace("confidence:", "severity: info\nconfidence:"),
    "yaml": RULE.replace("title: Node", "title: a: b: Node"),
    "deep": "a: " + "[" * 100_000,
    "nul": RULE + "\0",
    "alias": "a: &a [x]\nb: *a\n",
}
DEEP = "[" * 100_000
FLOWS = {
    "no-target": '{"src_node": "worker-1"}',
    "port-type": '{"dst_ip": "10.1.0.1", "dst_port": "http"}',
    "port-range": '{"dst_ip": "10.1.0.1", "dst_port": 70000}',
    "address": '{"dst_ip": "ten"}',
    "key": '{"dst_ip": "10.1.0.1", "dport": 80}',
    "mark": '{"dst_ip": "10.1.0.1", "mark": "zz"}',
    "flags": '{"dst_ip": "10.1.0.1", "tcp_flags": 7}',
    "proto": '{"dst_ip": "10.1.0.1", "proto": "carrier-pigeon"}',
    "list": "[]",
    "text": "dst_ip: 10.1.0.1",
    "deep": DEEP,
    "good": '{"src_node": "worker-1", "dst_ip": "10.1.0.1", "dst_port": 80}',
    "ends": '{"from": "node/worker-1", "to": "10.1.0.1:80", "mark": "zz"}',
}
TOPOLOGIES = {
    "misspelt": '{"link": []}',
    "number": '{"links": 3}',
    "one-end": '{"links": [{"a": {"node": "x", "if": "eth0"}}]}',
    "no-if": '{"links": [{"a": {"node": "x"}, "b": {"node": "y", "if": "eth0"}}]}',
    "pods": '{"pods": 3}',
    "deep": DEEP,
}
