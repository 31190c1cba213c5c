"""A trace as text for people: the fate in one sentence, then every step with its evidence."""

from __future__ import annotations

from analyzer.packet.verdict import At, Receiver, Step, Trace


def render(result: Trace, reply: bool = True) -> str:
    """The whole trace; without `reply` the steps of the answer are left out."""
    lines = [sentence(result)]
    if result.verdict == "one-of":
        for outcome in result.outcomes:
            lines.append(f"\n{outcome.probability:.0%} of connections: {sentence(outcome)}")
            lines += _steps(outcome, reply)
    else:
        lines += _steps(result, reply)
    lines += [f"undecided: {text}" for text in result.undecided]
    lines += [f"missing: {text}" for text in result.missing]
    return "\n".join(lines) + "\n"


def sentence(result: Trace) -> str:
    """The fate in one sentence."""
    where = place(result.at)
    match result.verdict:
        case "delivered":
            text = f"delivered to {_receiver(result.to)}"
            if result.seen_src is not None:
                text += f", which sees it from {_pair(result.seen_src.ip, result.seen_src.port)}"
            text += {True: "", False: "; nothing listens there", None: ""}[result.listener]
            return text + _reply(result)
        case "dropped":
            return f"dropped {where}{_outer(result, False)}; the sender waits for a time-out"
        case "rejected":
            error = result.with_ or "an error"
            return f"rejected {where}{_outer(result, False)} with {error}; the sender sees an error at once"
        case "no-route":
            if result.route_type == "default":
                return f"no route {where}: it leaves by the default route, whose gateway knows no pods"
            kind = "none" if result.route_type in (None, "none") else f"type {result.route_type}"
            return f"no route {where} ({kind})"
        case "not-forwarded":
            return f"not forwarded {where}: forwarding is off; the sender waits for a time-out"
        case "rp-filter":
            return f"dropped by the reverse path filter {where}"
        case "martian":
            return f"dropped as a martian {where}: an address that is invalid on this interface"
        case "bridge-drop":
            last = result.steps[-1] if result.steps else None
            if last is not None and last.hook == "bridge" and not last.text.startswith("hairpin"):
                return f"dropped by the bridge {where}: {last.text}"
            return f"dropped by the bridge {where}: it would have to go back out of the port it came from"
        case "neighbour-unreachable":
            return f"lost {where}: nobody answers for the next hop"
        case "ttl-exceeded":
            return f"lost {where}: its time to live ran out"
        case "too-big":
            return f"lost {where}: too big for the next link"
        case "no-endpoint":
            untracked = next((step for step in result.steps if step.changed == "untracked"), None)
            if untracked is not None and not untracked.reply:
                by = place(At(untracked.node, untracked.table, untracked.chain, untracked.rule))
                return f"lost {where}: not tracked, so not translated to an endpoint of the Service, {by}"
            return f"lost {where}: the Service has nothing behind it here"
        case "one-of":
            return f"one of {len(result.outcomes)} outcomes, chosen at random"
        case _:
            return "unknown" + (f": {result.missing[0]} is missing" if result.missing else _question(result))


def _question(result: Trace) -> str:
    return f": cannot be decided, {result.undecided[0]}" if result.undecided else ""


def place(at: At | None) -> str:
    """Where, in words."""
    if at is None:
        return "somewhere"
    if at.chain is None:
        return f"on {at.node}"
    rule = {"policy": "by the policy of", "nat-failed": "for lack of an address in"}.get(str(at.rule))
    if rule is None:
        rule = f"by rule {at.rule} of" if at.rule is not None else "in"
    return f"on {at.node} {rule} chain {at.chain}, table {at.table}"


def _reply(result: Trace) -> str:
    if result.reply in (None, "ok"):
        return "; the reply arrives" if result.reply else ""
    if result.reply == "misaddressed":
        sender = result.steps[0].node if result.steps else None
        if result.reply_at is not None and result.reply_at.node != sender and result.seen_src is not None:
            # The sender never sees it: a translation of the source led it to whoever has that address.
            return f"; the reply goes to {result.reply_at.node}, which has {result.seen_src.ip}, and not to the sender"
        return "; the reply arrives with another address than was asked, and is refused"
    if result.reply == "unknown":
        return "; the reply cannot be followed"
    return f"; the reply is lost {place(result.reply_at)} ({result.reply}{_outer(result, True)})"


def _outer(result: Trace, reply: bool) -> str:
    """Says so if what ended is the packet that a tunnel had wrapped around the one that is followed."""
    tunnels = [step for step in result.steps if step.hook == "tunnel" and step.reply == reply]
    wrapped = bool(tunnels) and (tunnels[-1].changed or "").startswith("wrapped")
    return ", the outer packet of a tunnel" if wrapped else ""


def _receiver(to: Receiver | None) -> str:
    return "" if to is None else f"{_pair(to.ip, to.port)} on {to.node}"


def _pair(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _steps(result: Trace, reply: bool) -> list[str]:
    lines = []
    last = ""
    for step in result.steps:
        if step.reply and not reply:
            continue
        side = f"{step.node} (reply)" if step.reply else step.node
        if side != last:
            lines.append(f"  {side}")
            last = side
        lines.append(_step(step))
    return lines


def _step(step: Step) -> str:
    where = step.hook or ""
    if step.chain is not None:
        where = f"{step.hook} {step.table} {step.chain} {step.rule}"
    text = step.matched or step.text
    if step.changed:
        text += f" [{step.changed}]"
    source = f"  ({step.path}:{step.line})" if step.path else ""
    return f"    {where:<36} {text}{source}"
