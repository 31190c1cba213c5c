"""Every mistake gives one line that says what and the way out, its exit code, and no file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzer import commands
from tests.cli.program import ROOT, Run

TRACE = "trace b --from node/worker-1"
MISTAKES = [
    # the command line
    ("report b --nope", 2, r"no such option.*--nope.*hairpin report --help"),
    ("report b --fail-no error", 2, r"--fail-on"),
    ("repor b", 2, r"'repor'.*report.*--help"),
    ("b", 2, r"'b' is not a command.*hairpin report b"),
    ("report", 2, r"missing argument.*BUNDLE"),
    ("report b --fail-on eror", 2, r"--fail-on takes .*'eror'; did you mean 'error'"),
    ("report b --fail-on", 2, r"--fail-on"),
    ("report b --format jsn", 2, r"--format takes .*did you mean 'json'"),
    ("report b --jobs many", 2, r"--jobs.*'many'.*number"),
    ("report b --max-size lots", 2, r"--max-size.*'lots'.*512M"),
    ("report b --max-ratio 0", 2, r"--max-ratio"),
    ("rules", 2, None),
    ("rules lst", 2, r"'lst'.*list"),
    ("rules explain route-mising", 2, r"no rule 'route-mising'"),
    ("rules explain pod-route-mising", 2, r"did you mean 'pod-route-missing'"),
    ("rules try pod-route-mising b", 2, r"did you mean 'pod-route-missing'"),
    ("rules new Bad_Name", 2, r"small letters"),
    ("rules new a-b --in nowhere", 2, r"no folder nowhere"),
    ("facts b -t Rout", 2, r"no fact type 'Rout'; did you mean 'Route'"),
    ("facts b -t route", 2, r"did you mean 'Route'"),
    ("facts b -f xls", 2, r"--format takes text, json, csv or sqlite"),
    ("facts b -o x.xls", 2, r"ending.*\.csv"),
    ("facts b -t Route --where fact.nod==1", 2, r"did you mean 'node'"),
    ("facts b --where fact.node==1", 2, r"--type"),
    ("paths b -f yaml", 2, r"text or json"),
    ("diff empty empty", 2, r"empty is not a report as JSON.*-o report\.json"),
    ("diff b b", 2, r"cannot read b: .*-o report\.json"),
    ("diff flow/good.json flow/good.json", 2, r"is not a report as JSON"),
    # where the result goes
    ("report b -o nowhere/x.html", 2, r"cannot write nowhere/x\.html: there is no folder nowhere"),
    ("report b -o /proc/x.html", 2, r"cannot write /proc/x\.html"),
    ("report b -o emptydir", 2, r"cannot write emptydir: it is a folder"),
    ("report b -o x.docx", 2, r"the ending of x\.docx names no format; known endings: .*\.html"),
    ("report b -o x.html -o ./x.html", 2, r"x\.html: that file is named twice"),
    ("report b -o x.html -o x.json -o nowhere/x.xml", 2, r"no folder nowhere"),
    ("report empty -o empty", 2, r"empty: that is the bundle itself"),
    ("report b -o -", 2, r"--format"),
    ("facts b -o nowhere/x.csv", 2, r"no folder nowhere"),
    # the bundle
    ("report nothing", 3, r"nothing: No such file"),
    ("report empty", 3, r"empty: the file is empty"),
    ("report emptydir", 3, r"emptydir: nothing to read in it"),
    ("report noart", 3, r"noart: nothing in it is known \(1 file, the first is readme\.txt.*hairpin files noart"),
    ("report text.tar.gz", 3, r"text\.tar\.gz: is named like an archive but is none"),
    ("report report.pdf", 3, r"nothing in it is known"),
    ("report failed -o x.html", 3, r"no output in it.*iptables-save.txt: .*command not found"),
    ("report pipe", 3, r"pipe: the file is empty"),
    ("report /dev/zero", 3, r"/dev/zero: neither a file nor a folder"),
    ("report b nothing -o x.html", 3, r"nothing: No such file"),
    ("report b empty", 3, r"empty: the file is empty"),
    ("report b --max-members 1", 3, r"more than 1 files.*--max-members raises"),
    ("report b --max-member-size 8", 3, r"--max-member-size raises"),
    ("files b --max-size 8", 3, r"--max-size raises"),
    ("facts nothing", 3, r"No such file"),
    ("files nothing", 3, r"No such file"),
    ("paths noart", 3, r"nothing in it is known"),
    (f"{TRACE.replace(' b ', ' noart ')} --to 10.0.0.1:1", 3, r"nothing in it is known"),
    # rules
    ("report b --rules nothing", 4, r"nothing: no such folder of rules"),
    ("report b --rules rules/none", 4, r"rules/none: no rule is in it"),
    ("report b --rules rules/key -o x.html", 4, r"route-missing\.yaml:3: .*'severty'; did you mean 'severity'"),
    ("rules check rules/clause", 4, r"yaml:\d+: .*'were'; did you mean 'where'"),
    ("rules check rules/type", 4, r"yaml:3: severity: is one of"),
    ("rules check rules/word", 4, r"yaml:3: severity.*did you mean 'error'"),
    ("rules check rules/fact", 4, r"yaml:\d+: there is no fact type 'Rout'; did you mean 'Route'"),
    ("rules check rules/field", 4, r"yaml:\d+: .*'destinaton'; did you mean 'destination'"),
    ("rules check rules/regex", 4, r"yaml:\d+: .*\[a-"),
    ("rules check rules/twice", 4, r"yaml:4: 'severity' is given twice"),
    ("rules check rules/yaml", 4, r"yaml:2: not valid YAML"),
    ("rules check rules/nul", 4, r"route-missing\.yaml.*not valid YAML"),
    ("rules check rules/alias", 4, r"yaml:\d: "),
    ("rules check rules/deep", 4, r"route-missing\.yaml.*not valid YAML"),
    ("rules list --rules rules/key", 4, r"did you mean 'severity'"),
    # a packet
    (TRACE, 2, r"--from and --to"),
    (f"{TRACE.replace('worker-1', 'worker-2')} --to 10.0.0.1:1", 2, r"no node 'worker-2'.*did you mean worker-1"),
    (f"{TRACE} --to somewhere", 2, r"cannot send to 'somewhere'; use pod/"),
    (f"{TRACE} --to svc/a/b", 2, r"no service 'a/b'"),
    (f"{TRACE} --to 10.0.0.1", 2, r":PORT"),
    (f"{TRACE} --to 10.0.0.1:1 --proto pigeon", 2, r"protocol 'pigeon'"),
    (f"{TRACE} --to 10.0.0.1:1 --format xml", 2, r"text or json"),
    (f"{TRACE} --to 10.0.0.1:1 --topology nothing", 2, r"cannot read nothing"),
    (f"{TRACE} --to 10.0.0.1:1 --flow flow/good.json", 2, r"leave out --from"),
    ("trace b --flow nothing", 2, r"cannot read nothing: No such file"),
    ("trace b --flow flow/no-target.json", 2, r"no-target\.json: .*dst_ip"),
    ("trace b --flow flow/port-type.json", 2, r"port-type\.json: .*int.*dst_port"),
    ("trace b --flow flow/port-range.json", 2, r"dst_port 70000"),
    ("trace b --flow flow/address.json", 2, r"dst_ip 'ten' is not an address"),
    ("trace b --flow flow/key.json", 2, r"unknown field 'dport'; fields are .*dst_port"),
    ("trace b --flow flow/mark.json", 2, r"mark 'zz'"),
    ("trace b --flow flow/ends.json", 2, r"mark 'zz'"),
    ("trace b --flow flow/flags.json", 2, r"tcp_flags"),
    ("trace b --flow flow/proto.json", 2, r"protocol 'carrier-pigeon'"),
    ("trace b --flow flow/list.json", 2, r"not a JSON object"),
    ("trace b --flow flow/text.json", 2, r"not JSON"),
    ("trace b --flow flow/deep.json", 2, r"not JSON"),
    ("trace b --flow flow/good.json --topology links/misspelt.json", 2, r"neither links nor pods"),
    ("trace b --flow flow/good.json --topology links/number.json", 2, r"links is a list"),
    ("trace b --flow flow/good.json --topology links/one-end.json", 2, r"ends a and b"),
    ("trace b --flow flow/good.json --topology links/no-if.json", 2, r"node and if"),
    ("trace b --flow flow/good.json --topology links/pods.json", 2, r"pods is an object"),
    ("trace b --flow flow/good.json --topology links/deep.json", 2, r"not JSON"),
]


@pytest.mark.parametrize(("line", "code", "said"), MISTAKES, ids=[case[0].replace("/", "_") for case in MISTAKES])
def test_a_mistake_is_one_clear_line(
    folder: Path,
    run: Run,
    line: str,
    code: int,
    said: str | None,
) -> None:
    before = sorted(folder.rglob("*"))
    ended, out, err = run(*line.split())
    assert ended == code, err
    assert out == ""
    if said is not None:
        assert err.startswith("hairpin: ") and err.count("\n") == 1, err
        assert re.search(said, err), err
    assert sorted(folder.rglob("*")) == before, "nothing is left behind"


def test_the_exit_codes_of_the_readme() -> None:
    table = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(), re.M)
    assert [int(code) for code, _ in table] == [0, 1, 2, 3, 4, 70]
    tested = {code for _, code, _ in MISTAKES}
    assert tested == {2, 3, 4}
    assert all(f"{code} " in (commands.report.help or "") for code, _ in table if int(code) < 5)
