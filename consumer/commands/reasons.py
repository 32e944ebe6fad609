"""Reasons of outcomes in words, for people who ask why nothing arrived."""

from collections.abc import Mapping
from typing import Final

IN_WORDS: Final[Mapping[str, str]] = {
    # never sent
    "test_card": "paid with the CRM's test card: never exported",
    "no_route": "no profile's routing matches it: see `postback preview --all`",
    "converted": "the order was placed before the run: its partial is not sent",
    "superseded": "a newer version of the partial goes out instead",
    "undecodable": "not an event of a known schema",
    "no_test_card_field": "its schema has no test-card field: see the settings' event.test_card",
    "too_large": "too large for the program's topics",
    "profile_removed": "its profile was removed",
    "gave_up": "failed for longer than retry.give_up_after_hours",
    # attempted again
    "timeout": "no answer in time",
    "network": "no connection, or one that broke",
    "tls": "no trusted TLS connection",
    "throttled": "the receiver asked to wait",
    "server": "the receiver had an error",
    "rejected": "the receiver refused it",
    "redirect": "the receiver redirected, which is not followed",
    "refused_address": "the address is not public: permit it in http.allow_networks",
    "render": "a value does not fit the profile's mapping",
    "held": "not attempted: others to its endpoint failed, or the receiver asked to wait: see `postback status`",
    "paused": "its profile is paused",
}
