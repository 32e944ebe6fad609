"""Whose names are looked up now, of those that have one."""

from consumer.adapters.curl.look_ups import EndpointQueue, Turns


def queues(count: int, *, is_doubtful: bool = False) -> list[EndpointQueue[str]]:
    made = [EndpointQueue[str](f"https://name{number}.example:443") for number in range(count)]
    for queue in made:
        queue.is_doubtful = is_doubtful
    return made


def test_so_many_at_once_and_then_each_in_its_turn() -> None:
    turns, names = Turns[str](), queues(11)

    began = [turns.begin(queue) for queue in names]
    turns.end(names[0], found=True)
    following = turns.next(), turns.next()
    turns.end(names[1], found=True)

    assert began == [True] * 8 + [False] * 3
    assert following == (names[8], None)
    assert turns.next() is names[9]


def test_those_that_found_nothing_the_last_time_leave_room_for_the_others() -> None:
    turns, dead, names = Turns[str](), queues(10, is_doubtful=True), queues(5)

    began = [turns.begin(queue) for queue in [*dead, *names]]
    turns.end(names[0], found=True)

    assert began == [True] * 4 + [False] * 6 + [True] * 4 + [False]
    assert turns.next() is names[4]
    turns.end(names[1], found=True)
    assert turns.next() is None, "four that are doubtful are enough"
    turns.end(dead[0], found=False)
    assert turns.next() is dead[4]


def test_a_look_up_that_ends_says_what_the_next_one_is_worth() -> None:
    turns = Turns[str]()
    (queue,) = queues(1)

    assert turns.begin(queue)
    turns.end(queue, found=False)
    assert queue.is_doubtful
    assert turns.begin(queue)
    turns.end(queue, found=True)
    assert not queue.is_doubtful


def test_addresses_wait_for_nobody() -> None:
    turns = Turns[str]()
    assert all(turns.begin(queue) for queue in queues(8))

    assert turns.begin(EndpointQueue("http://10.1.2.3:80"))
    assert turns.begin(EndpointQueue("https://[2001:db8::1]:443"))
