"""Who wrote a rule: told by the names of chains and by comments."""

from __future__ import annotations

from analyzer.facts.firewall import Rule
from analyzer.facts.store import Facts
from analyzer.packet.verdict import At, Step

# Longest prefix first: KUBE-ROUTER and its firewall chains are not kube-proxy's.
PREFIXES = (
    ("KUBE-ROUTER", "kube-router"),
    ("KUBE-NWPLCY", "kube-router"),
    ("KUBE-POD-FW", "kube-router"),
    ("KUBE-", "kube-proxy"),
    ("DOCKER", "docker"),
    ("FLANNEL", "flannel"),
    ("cali-", "calico"),
    ("cali", "calico"),
    ("CILIUM_", "cilium"),
    ("OLD_CILIUM_", "cilium"),
    ("WEAVE", "weave"),
    ("AZURE-NPM", "azure-npm"),
    ("ufw", "ufw"),
    ("CNI-", "cni"),
)
FIREWALLD = ("FWD", "FWDI", "FWDO", "IN_", "FWDI_", "FWDO_", "INPUT_ZONES", "FORWARD_", "INPUT_direct", "OUTPUT_direct")
COMMENTS = (
    ("flanneld", "flannel"),
    ("kube-router netpol", "kube-router"),
    ("rule to REJECT traffic destined for POD", "kube-router"),
    ("kubernetes", "kube-proxy"),
    ("cali:", "calico"),
    ("cilium", "cilium"),
)


def author_of(facts: Facts, at: At, step: Step | None) -> str | None:
    """Who wrote the rule that ended a packet; "unknown" if nothing tells, None if no rule ended it.

    `step` says where the rule stands: chains of the same name exist in both backends and families.
    """
    if at.chain is None:
        return None
    table = (at.table or "").rpartition(":")[2]
    rules = facts.index(Rule, ("node", "table", "chain", "position"))
    found = rules.get((at.node, table, at.chain, at.rule), ()) if isinstance(at.rule, int) else ()
    for rule in found:
        if step is None or (rule.origin.path, rule.origin.line) != (step.path, step.line):
            continue
        for text, author in COMMENTS:
            if rule.comment and text in rule.comment:
                return author
    for name, author in (("kube-proxy", "kube-proxy"), ("firewalld", "firewalld"), ("calico", "calico")):
        if table.endswith(name):
            return author
    for prefix, author in PREFIXES:
        if at.chain.startswith(prefix):
            return author
    if at.chain.startswith(FIREWALLD) and any(
        chain.startswith(("FWDI_", "FORWARD_IN_ZONES", "INPUT_ZONES")) for chain in _chains(facts, at.node, table)
    ):
        return "firewalld"
    return "unknown"


def _chains(facts: Facts, node: str, table: str) -> set[str]:
    return {rule.chain for rule in facts.index(Rule, ("node", "table")).get((node, table), ())}
