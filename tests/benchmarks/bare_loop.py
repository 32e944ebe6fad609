"""The baseline: the shortest loop over pycurl's ``CurlMulti`` that sends and checks the status, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pycurl

from consumer.core.request import Request


def send_all(requests: Iterable[Request], /, *, in_flight: int) -> int:
    """Send requests (POST where there is a body, else GET), *in_flight* at once; give how many were answered 200."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, in_flight)
    idle = [_handle() for _ in range(in_flight)]
    waiting = iter(requests)
    delivered = running = 0
    while True:
        running += _feed(multi, idle, waiting)
        if not running:
            return delivered
        multi.perform()
        queued = 1
        while queued:
            queued, done, failed = multi.info_read()
            for curl in done:
                delivered += curl.getinfo(pycurl.RESPONSE_CODE) == 200
                multi.remove_handle(curl)
            for curl, _code, _message in failed:
                multi.remove_handle(curl)
            ended = [*done, *(curl for curl, _code, _message in failed)]
            idle.extend(ended)
            running -= len(ended)
        if not idle:
            multi.select(1.0)


def _feed(multi: pycurl.CurlMulti, idle: list[pycurl.Curl], waiting: Iterator[Request]) -> int:
    started = 0
    while idle:
        request = next(waiting, None)
        if request is None:
            break
        curl = idle.pop()
        curl.setopt(pycurl.URL, request.url)
        curl.setopt(pycurl.HTTPHEADER, request.lines)
        if request.body is None:
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            curl.setopt(pycurl.POSTFIELDS, request.body)
        multi.add_handle(curl)
        started += 1
    return started


def _handle() -> pycurl.Curl:
    curl = pycurl.Curl()
    body: list[bytes] = []
    for option, value in (
        (pycurl.NOSIGNAL, 1),
        (pycurl.TIMEOUT_MS, 30_000),
        (pycurl.PROXY, ""),
        (pycurl.SSL_VERIFYPEER, 0),
        (pycurl.SSL_VERIFYHOST, 0),
        (pycurl.WRITEFUNCTION, body.append),
    ):
        curl.setopt(option, value)
    return curl
