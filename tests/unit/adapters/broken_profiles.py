"""Profiles that must be refused: what stands in the file, the line of the problem, and words that its sentence has."""

from typing import NamedTuple

from tests.profile_texts import profile


class Broken(NamedTuple):
    text: str | bytes
    line: int
    words: tuple[str, ...]


def _with_rows(*rows: str) -> str:
    """The rows stand on lines 3 and after."""
    return profile(fields="\n".join(["fields:", *(f"  - {row}" for row in rows)]))


HEADER = '{export_name: "header:X-Token", static: secret}'
JSON = '{export_name: "header:content-type", static: "Application/JSON; charset=utf-8"}'

# profile() writes name on line 1, fields from line 2, postback_url and routing on the last two lines.
BROKEN_PROFILES = {
    # --- not YAML -------------------------------------------------------------------------------------------------
    "nothing": Broken("", 1, ("empty", "postback init")),
    "only a comment": Broken("# later\n", 1, ("empty",)),
    "a word": Broken("hello\n", 1, ("not a profile", "name:")),
    "an item that is a word": Broken("- hello\n", 1, ("keys are expected", "postback_url")),
    "an open quote": Broken('name: "a\npostback_url: x\n', 1, ("quote", "closing")),
    "an open list": Broken("name: a\nrouting: [1, 2\nenabled: true\n", 3, ("not closed", "]")),
    "an open mapping": Broken("name: a\nrouting: {a: 1\nenabled: true\n", 3, ("not closed", "}")),
    "a placeholder without quotes": Broken(
        "name: a\nfields:\n  - {export_name: b, static: ${env:X}}\n", 3, ("quotes",)
    ),
    "two colons": Broken("name: a\npostback_url: x: y\n", 2, ("`:`", "quotes")),
    "a line without a colon": Broken("name: a\nenabled\npaused: true\n", 3, ("colon",)),
    "a tab": Broken("name: a\npartials:\n\tlatest_only: true\n", 3, ("tab", "spaces")),
    "wrong indentation": Broken(
        "name: a\nfields:\n  - {export_name: a, field: b}\n enabled: true\n", 4, ("indentation",)
    ),
    "text after a quote": Broken("name: 'it's'\n", 1, ("quotes",)),
    "an at sign": Broken("name: @home\n", 1, ("quotes", "@")),
    "a percent sign": Broken("name: a\nca_file: %x\n", 2, ("quotes", "%")),
    "an escape that is none": Broken('name: "a\\q"\n', 1, ("backslash",)),
    "a lone surrogate": Broken('name: "a\\ud800"\n', 1, ("Unicode",)),
    "an unknown anchor": Broken("name: a\nca_file: *b\n", 2, ("&b", "quote")),
    "an anchor inside itself": Broken("name: a\nfields: &f [*f]\n", 2, ("*f",)),
    "a tag": Broken("name: !!python/object:os.system a\n", 1, ("tag", "remove")),
    "a merge key": Broken("name: a\n<<: {enabled: true}\n", 2, ("merge", "write")),
    "a key that is a list": Broken("? [a, b]\n: c\n", 1, ("key",)),
    "two documents": Broken("name: a\n---\nname: b\n", 2, ("second document", "file of its own")),
    "an alias bomb": Broken(
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{this}: &{this} [{','.join([f'*{last}'] * 10)}]\n"
            for last, this in zip("abcdefg", "bcdefgh", strict=True)
        ),
        5,
        ("aliases",),
    ),
    "deep nesting": Broken("name: " + "[" * 10_000, 1, ("levels",)),
    "deep aliases": Broken(
        "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(3_000)), 30, ("levels",)
    ),
    "a huge file": Broken("# " + "x" * (1 << 20), 1, ("larger than 1024 KiB",)),
    "UTF-16": Broken("name: a\n".encode("utf-16"), 1, ("UTF-16", "save it as UTF-8")),
    "UTF-16 without a mark": Broken("name: abcdef\n".encode("utf-16-be"), 1, ("UTF-16",)),
    "Latin-1": Broken("name: a\nca_file: Zoë\n".encode("latin-1"), 2, ("0xEB", "save it as UTF-8")),
    "a NUL byte": Broken(b"name: a\nca_file: b\0c\n", 2, ("NUL",)),
    "a control character": Broken("name: a\nca_file: b\x07c\n", 2, ("U+0007", "remove")),
    # --- keys -----------------------------------------------------------------------------------------------------
    "a key twice": Broken("name: a\n" + profile(), 2, ("`name` appears twice", "line 1")),
    "an unknown key": Broken(
        profile(more="export_delay: 5"), 3, ("export_delay", "did you mean `export_delay_minutes`?")
    ),
    "a key in capitals": Broken(profile(more="Enabled: true"), 3, ("did you mean `enabled`?",)),
    "a foreign key": Broken(profile(more="zzz: 1"), 3, ("unknown key `zzz`", "known here", "routing")),
    "no name": Broken("postback_url: https://example.com\nrouting: [{customer_type: All}]\n", 1, ("name", "missing")),
    "no URL": Broken(
        "name: a\nrouting: [{customer_type: All}]\n", 1, ("postback_url", "missing", "https://example.com")
    ),
    "no routing": Broken(
        "name: a\npostback_url: https://example.com\n", 1, ("routing", "missing", "customer_type: All")
    ),
    "a name with a blank": Broken(profile(name="call center"), 1, ("letters, digits",)),
    "a name of another alphabet": Broken(profile(name="größe"), 1, ("letters, digits",)),
    "an empty name": Broken(profile(name='""'), 1, ("letters, digits",)),
    "a name without a value": Broken(profile(name=""), 1, ("no value",)),
    "a name that is a list": Broken(profile(name="[a]"), 1, ("must be text", "not a list")),
    "another type": Broken(profile(more="type: csv"), 3, ("postback", "no other kind")),
    "a negative delay": Broken(profile(more="export_delay_minutes: -5"), 3, ("at least 0", "-5")),
    "a delay in words": Broken(profile(more="export_delay_minutes: five"), 3, ("number", "`five`")),
    "an endless delay": Broken(profile(more="export_delay_minutes: .inf"), 3, ("number",)),
    "a delay that is no number": Broken(profile(more="export_delay_minutes: nan"), 3, ("number",)),
    "a delay of years": Broken(profile(more="export_delay_minutes: 99999999"), 3, ("at most",)),
    "a host that is no address": Broken(profile(url="https://300.1.1.1/"), 2, ("IPv4",)),
    "a host with too many numbers": Broken(profile(url="https://1.2.3.4.5/"), 2, ("IPv4",)),
    "a flag that is none": Broken(profile(more="enabled: maybe"), 3, ("true or false", "`maybe`")),
    "a flag without a value": Broken(profile(more="paused:"), 3, ("no value",)),
    "partials that are a word": Broken(profile(more="partials: newest"), 3, ("keys with values", "`newest`")),
    "an unknown rule for partials": Broken(
        profile(more="partials: {latest: true}"), 3, ("latest", "did you mean `latest_only`?")
    ),
    "a CA file that is missing": Broken(profile(more="ca_file: nowhere.pem"), 3, ("ca_file", "nowhere.pem", "PEM")),
    # --- mappings ---------------------------------------------------------------------------------------------------
    "fields that are keys": Broken(profile(fields="fields: {a: b}"), 2, ("fields", "list", "`- `")),
    "field and static": Broken(_with_rows("{export_name: a, field: firstName, static: b}"), 3, ("both", "keep one")),
    "field Static without static": Broken(_with_rows("{export_name: a, field: Static}"), 3, ("no `static`", "add")),
    "neither field nor static": Broken(_with_rows("{export_name: a}"), 3, ("neither", "static")),
    "static without a value": Broken(_with_rows("{export_name: a, static: }"), 3, ('static: ""',)),
    "no export name": Broken(_with_rows("{field: firstName}"), 3, ("export_name", "missing")),
    "an empty export name": Broken(_with_rows('{export_name: "", field: firstName}'), 3, ("export_name", "empty")),
    "an empty field": Broken(_with_rows('{export_name: a, field: ""}'), 3, ("field", "empty")),
    "a static list": Broken(_with_rows("{export_name: a, static: [1]}"), 3, ("static", "text", "list")),
    "a secret as an export name": Broken(_with_rows('{export_name: "${env:A}", static: b}'), 3, ("only in `static`",)),
    # --- headers ----------------------------------------------------------------------------------------------------
    "a header without a name": Broken(_with_rows('{export_name: "header:", static: a}'), 3, ("header:X-Token",)),
    "a header with a blank": Broken(_with_rows('{export_name: "header:X Token", static: a}'), 3, ("letters, digits",)),
    "a header with a line break": Broken(
        _with_rows('{export_name: "header:X\\r\\nY", static: a}'), 3, ("not a header name",)
    ),
    "a header from a field": Broken(_with_rows('{export_name: "header:X", field: firstName}'), 3, ("static", "same")),
    "a header twice": Broken(_with_rows(HEADER, HEADER.replace("X-Token", "x-TOKEN")), 4, ("twice", "line 3")),
    "a method twice": Broken(
        _with_rows(
            '{export_name: "header:httpMethod", static: PUT}', '{export_name: "Header:HTTPMETHOD", static: PUT}'
        ),
        4,
        ("twice",),
    ),
    "Host": Broken(_with_rows('{export_name: "header:Host", static: a}'), 3, ("Host", "connection", "remove")),
    "Content-Length": Broken(
        _with_rows('{export_name: "HEADER:content-length", static: 5}'), 3, ("content-length", "remove")
    ),
    "Transfer-Encoding": Broken(_with_rows('{export_name: "header:Transfer-Encoding", static: a}'), 3, ("remove",)),
    "Connection": Broken(_with_rows('{export_name: "header:Connection", static: close}'), 3, ("remove",)),
    "a value with a line break": Broken(
        _with_rows('{export_name: "header:X", static: "a\\nb: c"}'), 3, ("line break",)
    ),
    "a value with a NUL": Broken(_with_rows('{export_name: "header:X", static: "a\\0"}'), 3, ("control character",)),
    "an unknown method": Broken(
        _with_rows('{export_name: "header:httpMethod", static: PSOT}'), 3, ("did you mean `POST`?",)
    ),
    "a method that is not offered": Broken(
        _with_rows('{export_name: "header:httpMethod", static: TRACE}'), 3, ("DELETE",)
    ),
    "an unknown method type": Broken(
        _with_rows('{export_name: "header:httpMethodType", static: PUT}'), 3, ("GET, POST",)
    ),
    "a JSON name twice": Broken(
        _with_rows(JSON, "{export_name: a, field: firstName}", "{export_name: a, static: b}"),
        5,
        ("twice", "line 4", "JSON"),
    ),
    # --- routing ----------------------------------------------------------------------------------------------------
    "no rows": Broken(profile(routing="routing: []"), 3, ("empty list",)),
    "routing that is a word": Broken(profile(routing="routing: All"), 3, ("list", "`All`")),
    "a row without a type": Broken(profile(routing="routing: [{campaign: 7}]"), 3, ("customer_type", "missing")),
    "several types in a row": Broken(
        profile(routing="routing: [{customer_type: [Sale, Upsell]}]"), 3, ("one row for each",)
    ),
    "an empty type": Broken(profile(routing='routing: [{customer_type: " "}]'), 3, ("not empty",)),
    "no campaign": Broken(profile(routing="routing: [{customer_type: All, campaign: }]"), 3, ("no value",)),
    "an empty list of products": Broken(
        profile(routing="routing: [{customer_type: All, product: []}]"), 3, ("matches nothing",)
    ),
    "ids with commas": Broken(
        profile(routing='routing: [{customer_type: All, product: "12,13"}]'), 3, ("comma", "[12, 13]")
    ),
    "All beside ids": Broken(
        profile(routing="routing: [{customer_type: All, campaign: [All, 7]}]"), 3, ("All beside ids",)
    ),
    "a product that is keys": Broken(
        profile(routing="routing: [{customer_type: All, product: {a: 1}}]"), 3, ("[12, 13]",)
    ),
    "a mistyped column": Broken(
        profile(routing="routing: [{customer_type: All, campain: 7}]"), 3, ("did you mean `campaign`?",)
    ),
    # --- URLs -------------------------------------------------------------------------------------------------------
    "no scheme": Broken(profile(url="example.com/a"), 2, ("https://",)),
    "another scheme": Broken(profile(url="ftp://example.com/a"), 2, ("https://",)),
    "a file": Broken(profile(url="file:///etc/passwd"), 2, ("https://",)),
    "no host": Broken(profile(url="https:///a"), 2, ("no host",)),
    "a blank": Broken(profile(url="https://example.com/a b"), 2, ("space", "%20")),
    "a text program's quotes": Broken(profile(url="\u201chttps://example.com/\u201d"), 2, ("quotation marks",)),
    "a line break": Broken(profile(url='"https://example.com/\\r\\nX: y"'), 2, ("line break",)),
    "credentials": Broken(profile(url="https://me:hunter2@example.com/"), 2, ("credentials", "header:Authorization")),
    "a port that is none": Broken(profile(url="https://example.com:http/"), 2, ("port",)),
    "a port too large": Broken(profile(url="https://example.com:65536/"), 2, ("65535",)),
    "an IPv6 address that is none": Broken(profile(url="https://[::1/"), 2, ("IPv6",)),
    "an IPv6 address with a zone": Broken(profile(url='"https://[fe80::1%25eth0]/"'), 2, ("IPv6",)),
    "an empty label": Broken(profile(url="https://example..com/"), 2, ("valid host",)),
    "a host with a percent sign": Broken(profile(url="https://exa%6Dple.com/"), 2, ("valid host",)),
    "a host that is no name": Broken(profile(url="https://☃️.-/"), 2, ("host",)),
    "a backslash": Broken(profile(url="https://example.com\\a"), 2, ("backslash",)),
    # --- secrets ----------------------------------------------------------------------------------------------------
    "a variable that is not set": Broken(
        _with_rows('{export_name: a, static: "${env:NO_TOKEN}"}'), 3, ("NO_TOKEN", "not set")
    ),
    "a variable that is empty": Broken(
        _with_rows('{export_name: a, static: "${env:EMPTY}"}'), 3, ("EMPTY", "is empty")
    ),
    "a URL with a missing variable": Broken(
        profile(url="https://example.com/${env:NO_TOKEN}"), 2, ("postback_url", "NO_TOKEN")
    ),
    "a file that is missing": Broken(
        _with_rows('{export_name: a, static: "${file:no/token}"}'), 3, ("no/token", "cannot be read")
    ),
    "a folder for a file": Broken(_with_rows('{export_name: a, static: "${file:.}"}'), 3, ("cannot be read",)),
    "a placeholder of another kind": Broken(
        _with_rows('{export_name: a, static: "${TOKEN}"}'), 3, ("${env:NAME}", "$${")
    ),
    "an open placeholder": Broken(_with_rows('{export_name: a, static: "${env:TOKEN"}'), 3, ("not closed",)),
    "a placeholder without a name": Broken(_with_rows('{export_name: a, static: "${env:}"}'), 3, ("${env:NAME}",)),
}
