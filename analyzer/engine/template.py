"""The file that `hairpin rules new` writes: the required parts of a rule, and tests to fill in."""

from __future__ import annotations

from analyzer.engine.checking import KEBAB
from analyzer.errors import UsageError

_TEXT = """\
# yaml-language-server: $schema=../../docs/rule.schema.json
id: {id}
title: CoreDNS pod {{pod.name}} on {{pod.node}} cannot reach {{line.upstream}}
severity: error         # error: broken now | warning: will break | info: worth knowing
confidence: certain     # certain | likely | possible, when it matches

match:
  - each: Pod pod       # one finding for every such pod; `hairpin facts` lists the fact types and their fields
    where:
      - pod.namespace == "kube-system"
      - pod.name matches "^coredns-"
  - some: LogLine line  # paste a log line into text: and put braces around what varies
    text: 'read udp {{client}}->{{upstream:ip}}:53: i/o timeout'
    where: line.pod == pod

why: >
  One or two sentences: what this means and what it breaks.
fix:
  - What to do first, with the command, `kubectl -n kube-system logs {{pod.name}}`
docs:
  - https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/

tests:
  - name: it fires
    given:
      - Pod: {{namespace: kube-system, name: coredns-1, node: worker-1}}
      - LogLine: {{pod: kube-system/coredns-1, message: "read udp 10.244.1.2:4312->10.0.0.2:53: i/o timeout"}}
    expect: [CoreDNS pod coredns-1 on worker-1 cannot reach … (write the title that is expected)]
  - name: it fires on the text of a log, read as a bundle's file is
    given:
      - Pod: {{namespace: kube-system, name: coredns-1, node: worker-1}}
    files:
      cluster/pod-logs/kube-system_coredns-1_coredns.log: |
        2026-11-23T12:00:00Z [ERROR] plugin/errors: 2 a.io. A: read udp 10.244.1.2:4312->10.0.0.2:53: i/o timeout
    expect: [CoreDNS pod coredns-1 on worker-1 cannot reach … (the same title)]
  - name: the log is quiet
    given:
      - Pod: {{namespace: kube-system, name: coredns-1, node: worker-1}}
    expect: clear
  - name: the log was not collected
    given:
      - Pod: {{namespace: kube-system, name: coredns-1, node: worker-1}}
    missing: [LogLine]
    expect: not collected
"""


def new_rule(name: str) -> str:
    """The text of a new rule file; it loads, and one of its tests fails until it is filled in. UsageError."""
    if not KEBAB.match(name):
        raise UsageError(f"{name!r}: a rule is named in small letters, digits and single dashes, like dns-timeout")
    return _TEXT.format(id=name)
