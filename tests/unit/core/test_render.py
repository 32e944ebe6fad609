"""A delivery becomes a request: the contract's table, parameters in their order, fields and where they are found."""

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consumer.core.errors import RenderError
from consumer.core.profile import FieldMapping, Header, Profile, StaticMapping
from consumer.core.render import Renderer, media_type, with_query
from consumer.core.request import Request

URL = "https://example.com/partials.php"
FIRST_NAME = FieldMapping("first_name", "firstName")
LIST_ID = StaticMapping("list_id", "400")


def profile(*mappings: FieldMapping | StaticMapping, headers: Mapping[str, str] | None = None, **about: Any) -> Profile:
    known: dict[str, Any] = {"name": "p", "url": URL, "mappings": mappings or (FIRST_NAME, LIST_ID)}
    return Profile(headers=tuple(Header(*pair) for pair in (headers or {}).items()), **known | about)


def render(one: Profile, code: str = "SALE", zone: str = "UTC", **fields: Any) -> Request:
    renderer = Renderer(one, zone=ZoneInfo(zone), user_agent="postback-consumer/1")
    return renderer.render({"firstName": "Zoë"} | fields, code=code, delivery_id="the-id")


def headers_of(request: Request) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition(": ") for line in request.lines)}


def test_the_vendors_example() -> None:
    mappings = (
        FieldMapping("first_name", "firstName"),
        FieldMapping("last_name", "lastName"),
        FieldMapping("order_date", "orderDate"),
        StaticMapping("list_id", "400"),
        FieldMapping("email_address", "emailAddress"),
        FieldMapping("campaign_number", "campaignId"),
    )

    request = render(
        profile(*mappings),
        lastName="O'Brien & Söhne+",
        orderDate="2026-03-01",
        emailAddress="zoe@example.com",
        campaignId=7,
    )

    assert (request.method, request.body) == ("GET", None)
    assert request.url == (
        URL + "?first_name=Zo%C3%AB&last_name=O%27Brien+%26+S%C3%B6hne%2B&order_date=2026-03-01"
        "&list_id=400&email_address=zoe%40example.com&campaign_number=7"
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("in_body", [False, True])
def test_every_method_with_the_mappings_in_the_query_or_in_the_body(method: str, in_body: bool) -> None:
    request = render(profile(method=method, in_body=in_body))

    encoded = "first_name=Zo%C3%AB&list_id=400"
    assert request.method == method
    assert request.url == (URL if in_body else f"{URL}?{encoded}")
    assert request.body == (encoded.encode() if in_body else None)
    assert headers_of(request).get("Content-Type") == ("application/x-www-form-urlencoded" if in_body else None)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", " application/json ;v=1", "APPLICATION/JSON"],
)
def test_a_json_body_for_every_spelling_of_its_media_type_which_is_sent_as_given(content_type: str) -> None:
    request = render(profile(method="POST", in_body=True, headers={"content-TYPE": content_type}))

    assert request.body == '{"first_name":"Zoë","list_id":"400"}'.encode()
    assert headers_of(request)["content-TYPE"] == content_type
    assert "Content-Type" not in headers_of(request)


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonp", "application/vnd.api+json", ""])
def test_every_other_media_type_gets_form_text(content_type: str) -> None:
    request = render(profile(method="POST", in_body=True, headers={"Content-Type": content_type}))

    assert request.body == b"first_name=Zo%C3%AB&list_id=400"
    assert headers_of(request)["Content-Type"] == content_type


def test_a_mapped_content_type_is_sent_though_the_parameters_are_in_the_url() -> None:
    request = render(profile(method="POST", headers={"Content-Type": "application/json"}))

    assert request.body is None
    assert request.url.endswith("?first_name=Zo%C3%AB&list_id=400")
    assert headers_of(request)["Content-Type"] == "application/json"


def test_headers_are_added_unless_the_profile_sets_them_in_any_case() -> None:
    plain = headers_of(render(profile()))
    own = {"user-agent": "mine", "ACCEPT": "text/html", "idempotency-key": "my-key", "X-Token": "t"}
    set_by_profile = headers_of(render(profile(headers=own)))

    assert plain == {"User-Agent": "postback-consumer/1", "Accept": "*/*", "Idempotency-Key": "the-id"}
    assert set_by_profile == own


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("https://r/x", "a=1", "https://r/x?a=1"),
        ("https://r/x?", "a=1", "https://r/x?a=1"),
        ("https://r/x?b=2", "a=1", "https://r/x?b=2&a=1"),
        ("https://r/x?b=2?", "a=1", "https://r/x?b=2?&a=1"),
        ("https://r/x?b=2", "", "https://r/x?b=2"),
        ("https://r", "a=1", "https://r?a=1"),
    ],
)
def test_a_query_that_the_url_has_is_kept_and_the_mappings_follow_it(url: str, query: str, expected: str) -> None:
    assert with_query(url, query) == expected


@pytest.mark.parametrize(("text", "kind"), [("application/json", "application/json"), (" A/B ; c=d", "a/b"), ("", "")])
def test_media_type(text: str, kind: str) -> None:
    assert media_type(text) == kind


@pytest.mark.parametrize("in_body", [False, True])
def test_null_and_absent_are_left_out_and_an_empty_string_is_kept(in_body: bool) -> None:
    mappings = (
        FieldMapping("a", "gone"),
        FieldMapping("b", "null"),
        FieldMapping("c", "empty"),
        FieldMapping("d", "z"),
    )
    one = profile(*mappings, in_body=in_body, headers={"Content-Type": "application/json"})

    request = render(one, null=None, empty="", z=0)

    assert request.url == (URL if in_body else f"{URL}?c=&d=0")
    assert request.body == (b'{"c":"","d":0}' if in_body else None)


def test_the_same_name_twice_stands_twice_in_a_query_in_its_order() -> None:
    one = profile(StaticMapping("a[]", "1"), FIRST_NAME, StaticMapping("a[]", "2"))

    assert render(one).url == f"{URL}?a%5B%5D=1&first_name=Zo%C3%AB&a%5B%5D=2"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_nothing_mapped_gives_an_empty_object_or_an_empty_body(content_type: str) -> None:
    one = profile(FieldMapping("a", "gone"), in_body=True, headers={"Content-Type": content_type})

    assert render(one).body == (b"{}" if content_type == "application/json" else b"")


def test_names_and_static_values_are_escaped_in_json_too() -> None:
    one = profile(StaticMapping('q"\\\n', 'v"\u2028é'), in_body=True, headers={"Content-Type": "application/json"})

    assert json.loads(render(one).body or b"") == {'q"\\\n': 'v"\u2028é'}


def test_customer_type_is_the_code_of_the_route_whatever_the_event_says() -> None:
    one = profile(FieldMapping("type", "customerType"))

    assert render(one, code="REFUND", customerType="PARTIAL_REFUND").url == f"{URL}?type=REFUND"
    assert render(one, code="NEW & ODD").url == f"{URL}?type=NEW+%26+ODD"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("product1_name", "tonic"),
        ("product2_name", "oil"),
        ("product2_a.b", "dotted name in an item"),
        ("product1_x_y", "underlined"),
        ("product3_name", None),
        ("product0_name", None),
        ("product01_name", None),
        ("productN_name", None),
        ("product1_", None),
        ("product9999_name", None),
        ("product1_gone", None),
        ("product2_dims.w", "in a record of an item"),
        ("product1_dims.w", None),
        ("card.expiry.date", "2027-01-31"),
        ("card.gone", None),
        ("firstName.x", None),
        ("items.name", None),
        ("dotted.top", "a field of that very name"),
        ("product1_qty", "top-level"),
        ("snake_case", "plain"),
        ("", None),
    ],
)
def test_where_a_field_is_found(field: str, value: str | None) -> None:
    fields: dict[str, Any] = {
        "items": [
            {"name": "tonic", "x_y": "underlined", "qty": "in the item"},
            {"name": "oil", "a.b": "dotted name in an item", "dims": {"w": "in a record of an item"}},
        ],
        "card": {"expiry": {"date": "2027-01-31"}},
        "dotted.top": "a field of that very name",
        "dotted": {"top": "shadowed"},
        "product1_qty": "top-level",
        "snake_case": "plain",
    }

    one = profile(FieldMapping("f", field), in_body=True, headers={"Content-Type": "application/json"})

    assert json.loads(render(one, **fields).body or b"") == ({} if value is None else {"f": value})


def test_a_null_at_the_top_hides_a_slot() -> None:
    one = profile(FieldMapping("f", "product1_name"))

    assert render(one, items=[{"name": "tonic"}], product1_name=None).url == URL


@pytest.mark.parametrize("items", [None, "text", {}, [None], ["text"], [[]]])
def test_items_that_are_none_have_no_slots(items: object) -> None:
    one = profile(FieldMapping("f", "product1_name"))

    assert render(one, items=items).url == URL


def test_slots_count_in_the_array_that_the_settings_name() -> None:
    renderer = Renderer(
        profile(FieldMapping("f", "product1_name")), zone=ZoneInfo("UTC"), user_agent="", items="cart.lines"
    )

    def url_of(**fields: object) -> str:
        return renderer.render(fields, code="SALE", delivery_id="").url

    assert url_of(cart={"lines": [{"name": "tonic"}]}, items=[{"name": "other"}]) == f"{URL}?f=tonic"
    assert url_of(cart={"lines": [{"sku": "7"}]}, items=[{"name": "tonic"}]) == f"{URL}?f=tonic"
    assert url_of(cart={"lines": [{"name": None}]}, items=[{"name": "tonic"}]) == URL


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), object(), [float("nan")], {"a": object()}]
)
@pytest.mark.parametrize("in_body", [False, True])
def test_what_cannot_be_written_is_one_kind_of_error(value: object, in_body: bool) -> None:
    one = profile(FieldMapping("f", "f"), in_body=in_body, headers={"Content-Type": "application/json"})

    with pytest.raises(RenderError):
        render(one, f=value)


def test_halves_of_surrogate_pairs_become_replacement_characters_in_every_place() -> None:
    mappings = (FieldMapping("a", "a"),)

    query = render(profile(*mappings), a="x\ud800y").url
    body = render(profile(*mappings, in_body=True, headers={"Content-Type": "application/json"}), a="x\ud800y").body

    assert query == f"{URL}?a=x%EF%BF%BDy"
    assert body == '{"a":"x\ufffdy"}'.encode()
