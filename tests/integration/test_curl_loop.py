"""Many transfers side by side: who waits for what, what is kept, what is given back."""

from __future__ import annotations

import os
import resource
import threading
from collections import Counter
from contextlib import ExitStack, suppress

import pytest

from consumer.core.answer import Answered, Unanswered
from tests.integration.conftest import MakeSender, Sender, answer_to, request_to
from tests.integration.raw_server import OK, Connection, RawServer, answer_with


def drain(sender: Sender) -> list[tuple[object, object]]:
    """Wait until nothing is in flight."""
    finished: list[tuple[object, object]] = []
    while sender.in_flight:
        finished += sender.wait(60)
    return finished


def test_every_token_comes_back_once_with_its_own_answer(sender: Sender) -> None:
    def script(connection: Connection) -> None:
        while request := connection.request():
            number = request.split(b" ")[1].removeprefix(b"/")
            connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(number), number))

    with RawServer(script) as server:
        for number in range(300):
            sender.start(number, request_to(server.url(f"/{number}")))
        finished = drain(sender)

    assert Counter(token for token, _answer in finished) == Counter(range(300))
    assert all(isinstance(one, Answered) and one.body_start == str(token).encode() for token, one in finished)


def test_connections_are_kept_and_not_more_than_allowed(make_sender: MakeSender) -> None:
    sender = make_sender()
    with RawServer(answer_with(OK)) as server:
        for _round in range(5):
            for number in range(8):
                sender.start(number, request_to(server.url()))
            drain(sender)

    assert len(server.requests) == 40
    assert server.connections == 8


def test_a_request_outlives_any_number_of_kept_connections_that_are_closed_by_now(sender: Sender) -> None:
    warm = threading.Barrier(12)

    def script(connection: Connection) -> None:
        if connection.number >= 12:
            while connection.request():
                connection.say(OK)
            return
        connection.request()
        warm.wait(30)
        connection.say(OK)
        connection.request()
        connection.reset()

    with RawServer(script) as server:
        for number in range(12):
            sender.start(number, request_to(server.url()))
        drain(sender)
        sender.start("late", request_to(server.url()))
        ((_token, answer),) = drain(sender)

    assert isinstance(answer, Answered)
    assert server.connections == 13


def test_wait_gives_nothing_when_its_time_is_over(sender: Sender) -> None:
    with RawServer(Connection.hold) as server:
        sender.start("slow", request_to(server.url()))

        assert sender.wait(0) == []
        assert sender.wait(0.05) == []
        assert sender.in_flight == 1
        assert sender.cancel_all() == ["slow"]


def test_wait_without_anything_in_flight_comes_back(sender: Sender) -> None:
    assert sender.wait(0) == []
    assert sender.wait(0.02) == []


def test_what_cannot_be_sent_comes_back_from_the_next_wait(sender: Sender) -> None:
    sender.start("bad", request_to("http://127.0.0.1/\u00e9"))

    assert sender.in_flight == 1
    ((token, unanswered),) = sender.wait(60)
    assert token == "bad"
    assert isinstance(unanswered, Unanswered)
    assert sender.in_flight == 0


def test_cancelled_transfers_give_their_tokens_and_the_sender_goes_on(sender: Sender) -> None:
    with RawServer(Connection.hold) as silent, RawServer(answer_with(OK)) as server:
        for number in range(5):
            sender.start(number, request_to(silent.url()))
        sender.wait(0.02)

        assert sorted(map(str, sender.cancel_all())) == ["0", "1", "2", "3", "4"]
        assert sender.in_flight == 0
        assert isinstance(answer_to(sender, request_to(server.url())), Answered)


def test_answer_that_comes_in_many_pieces_is_not_waited_for_piece_by_piece(make_sender: MakeSender) -> None:
    body = b"x" * 200_000

    def script(connection: Connection) -> None:
        while connection.request():
            connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
            for at in range(0, len(body), 1000):
                connection.say(body[at : at + 1000])

    sender = make_sender()
    with RawServer(script) as server:
        for number in range(20):
            sender.start(number, request_to(server.url()))
        finished = drain(sender)

    # The time itself is the promise, and nothing else shows it: a wait for each of 200 pieces would add up.
    assert all(isinstance(one, Answered) and one.duration_ms < 5000 for _token, one in finished)


def test_sockets_beyond_the_limit_of_select_are_served(make_sender: MakeSender) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1500:
        pytest.skip("this machine gives a process no more than 1,024 files")
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1500), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = stack.enter_context(RawServer(answer_with(OK)))
        for _ in range(1100):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))

        answers = [answer_to(make_sender(), request_to(server.url())) for _ in range(3)]

    assert all(isinstance(one, Answered) for one in answers)


def test_process_without_a_free_file_fails_like_a_network(make_sender: MakeSender) -> None:
    sender = make_sender()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with RawServer(answer_with(OK)) as server, ExitStack() as stack:
        highest = os.dup(0)
        stack.callback(os.close, highest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with suppress(OSError):
            while True:
                stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))

        unanswered = answer_to(sender, request_to(server.url()))

        stack.close()
        assert isinstance(unanswered, Unanswered)
        assert unanswered.kind == "network"
        assert isinstance(answer_to(sender, request_to(server.url())), Answered)


def test_sender_closes_what_it_opened(make_sender: MakeSender) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count is all that is wanted

    with RawServer(answer_with(OK)) as server:
        before = open_files()
        sender = make_sender()
        for number in range(8):
            sender.start(number, request_to(server.url()))
        drain(sender)
        assert open_files() > before
        sender.close()

    assert open_files() <= before


def test_first_of_a_burst_goes_ahead_and_the_others_follow_when_the_address_is_known(sender: Sender) -> None:
    with RawServer(answer_with(OK)) as server:
        for number in range(20):
            sender.start(number, request_to(server.url(host="localhost")))
        assert sender.in_flight == 20
        finished = drain(sender)

    assert all(isinstance(one, Answered) for _token, one in finished)
    assert Counter(token for token, _answer in finished) == Counter(range(20))


def test_name_that_nobody_knows_is_the_answer_to_the_whole_burst(sender: Sender) -> None:
    for number in range(20):
        sender.start(number, request_to("http://nowhere.invalid/"))
    finished = drain(sender)

    assert {one for _token, one in finished} == {finished[0][1]}
    assert isinstance(finished[0][1], Unanswered)
    assert finished[0][1].kind in {"network", "timeout"}
    assert Counter(token for token, _answer in finished) == Counter(range(20))


def test_request_that_cannot_be_sent_does_not_answer_for_those_that_wait_behind_it(sender: Sender) -> None:
    with RawServer(answer_with(OK)) as server:
        endpoint = server.url().rstrip("/")
        broken = request_to("http://127.0.0.1:99999/")._replace(endpoint=endpoint)
        for number, request in enumerate([broken, request_to(server.url()), broken, request_to(server.url())]):
            sender.start(number, request._replace(endpoint=endpoint))
        finished = dict(drain(sender))

    assert [type(finished[number]) for number in range(4)] == [Unanswered, Answered] * 2


def test_refused_address_is_judged_for_every_request_of_a_burst(make_sender: MakeSender) -> None:
    sender = make_sender(allow=())
    for number in range(5):
        sender.start(number, request_to("http://localhost:9/"))
    finished = drain(sender)

    assert [isinstance(one, Unanswered) and one.kind for _token, one in finished] == ["refused_address"] * 5


def test_cancelling_gives_the_tokens_of_those_that_wait_too(sender: Sender) -> None:
    for number in range(5):
        sender.start(number, request_to("http://127.0.0.1:9/"))

    assert sorted(map(str, sender.cancel_all())) == ["0", "1", "2", "3", "4"]
    assert sender.in_flight == 0
